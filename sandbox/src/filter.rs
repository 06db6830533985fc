//! The system call filter of one process, made from the policy and from what it was granted.
//!
//! Invariant: a system call appears in the filter only with at least one rule, unless the policy
//! allows it with any arguments: the filter's compiler takes "no rules" for "always allowed".

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use crate::policy::{Condition, DescriptorUse, POLICY, Row};

/// What one process may touch.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    descriptors: Vec<(DescriptorUse, RawFd)>,
    /// Address and length.
    result_buffers: Vec<(u64, u64)>,
    waking: bool,
}

impl Grants {
    pub(crate) fn descriptor(&mut self, use_of: DescriptorUse, number: RawFd) {
        self.descriptors.push((use_of, number));
    }

    pub(crate) fn result_buffer(&mut self, range: (u64, u64)) {
        self.result_buffers.push(range);
    }

    pub(crate) fn waking(&mut self) {
        self.waking = true;
    }

    /// The numbers of all descriptors.
    pub(crate) fn descriptor_numbers(&self) -> impl Iterator<Item = RawFd> {
        self.descriptors.iter().map(|&(_, number)| number)
    }

    /// The ways in which arguments can meet `condition`: all parts of one way must hold.
    fn ways(&self, condition: Condition) -> Result<Vec<Vec<SeccompCondition>>, BackendError> {
        match condition {
            Condition::Descriptor(use_of) => self
                .descriptors
                .iter()
                .filter(|(granted_for, _)| *granted_for == use_of)
                .map(|&(_, number)| Ok(vec![descriptor_is(number)?]))
                .collect(),
            Condition::ResultBuffer => self
                .result_buffers
                .iter()
                .map(|&(address, length)| {
                    Ok(vec![argument_is(0, address)?, argument_is(1, length)?])
                })
                .collect(),
            Condition::Waking if !self.waking => Ok(Vec::new()),
            Condition::Waking => {
                let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
                Ok(vec![vec![argument_is(
                    1,
                    u64::from(operation.cast_unsigned()),
                )?]])
            }
            Condition::Protection(protection) => Ok(vec![vec![argument_is(
                2,
                u64::from(protection.cast_unsigned()),
            )?]]),
        }
    }

    /// The rules for a row with conditions, one for each combination of ways to meet them.
    fn rules(&self, row: &Row) -> Result<Vec<SeccompRule>, BackendError> {
        let mut combinations = vec![Vec::new()];
        for &condition in row.conditions {
            let ways = self.ways(condition)?;
            combinations = combinations
                .iter()
                .flat_map(|before| {
                    ways.iter()
                        .map(move |way: &Vec<_>| [before.as_slice(), way.as_slice()].concat())
                })
                .collect();
        }
        combinations.into_iter().map(SeccompRule::new).collect()
    }
}

/// The kernel takes a descriptor from the argument's lower half, so that is what is compared.
fn descriptor_is(number: RawFd) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Eq,
        u64::from(number.cast_unsigned()),
    )
}

fn argument_is(index: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value)
}

/// The program for the kernel. All that it does not allow ends the process, calls by the numbers of
/// another architecture included.
pub(crate) fn program(grants: &Grants) -> Result<BpfProgram, BackendError> {
    let mut calls: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for row in POLICY {
        if row.conditions.is_empty() {
            calls.insert(row.number, Vec::new());
            continue;
        }
        let rules = grants.rules(row)?;
        if !rules.is_empty() {
            calls.entry(row.number).or_default().extend(rules);
        }
    }
    SeccompFilter::new(
        calls,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        TargetArch::try_from(std::env::consts::ARCH)?,
    )?
    .try_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules_for(grants: &Grants, call: &str) -> usize {
        let rows = POLICY.iter().filter(|row| row.call == call);
        rows.map(|row| grants.rules(row).expect("rules").len())
            .sum()
    }

    #[test]
    fn what_is_not_granted_has_no_rule() {
        let grants = Grants::default();
        for call in ["read", "write", "mprotect", "futex"] {
            assert_eq!(rules_for(&grants, call), 0, "{call}");
        }
    }

    #[test]
    fn every_grant_has_its_rules() {
        let mut grants = Grants::default();
        grants.descriptor(DescriptorUse::Input, 0);
        grants.descriptor(DescriptorUse::Input, 7);
        grants.descriptor(DescriptorUse::Output, 1);
        grants.result_buffer((0x1000, 0x2000));
        grants.result_buffer((0x8000, 0x2000));
        grants.waking();
        assert_eq!(rules_for(&grants, "read"), 2);
        assert_eq!(rules_for(&grants, "write"), 1);
        assert_eq!(rules_for(&grants, "mprotect"), 4);
        assert_eq!(rules_for(&grants, "futex"), 1);
    }

    #[test]
    fn a_call_is_either_free_or_conditional_in_all_its_rows() {
        for row in POLICY {
            let same = POLICY.iter().filter(|other| other.number == row.number);
            let free = same.filter(|other| other.conditions.is_empty()).count();
            assert!(free == 0 || row.conditions.is_empty(), "{row}");
        }
    }
}
