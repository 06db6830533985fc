//! Verification in turns with coding, in the one thread there is.

use std::io::Write;

use crate::compress::Checker;
use crate::failure::Failure;
use crate::slot::Slot;
use crate::verifier::{Verdict, Verifier};

/// A checker that has judged a slot when `submit` returns.
pub(crate) struct InlineChecker<W> {
    verifier: Verifier<W>,
    judged: Option<(Slot, Result<Verdict, Failure>)>,
}

impl<W: Write> InlineChecker<W> {
    pub(crate) fn new(verifier: Verifier<W>) -> Self {
        Self {
            verifier,
            judged: None,
        }
    }
}

impl<W: Write> Checker for InlineChecker<W> {
    fn submit(&mut self, mut slot: Slot) {
        let verdict = self.verifier.judge(&mut slot);
        self.judged = Some((slot, verdict));
    }

    fn collect(&mut self) -> (Slot, Result<Verdict, Failure>) {
        self.judged
            .take()
            .expect("a slot is only collected after it was submitted")
    }
}
