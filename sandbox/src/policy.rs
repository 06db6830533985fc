//! What the jail allows: one table, from which the filter is made and that the documentation shows.
//!
//! Invariant: a system call that no row of [`POLICY`] allows with all its arguments ends the whole
//! process. A row whose descriptors or buffers a process does not have allows nothing.

use std::fmt;

/// Descriptors that a process was granted, by what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DescriptorUse {
    /// Standard input, and a reference if there is one.
    Input,
    /// `/proc/self/status`, opened before, for the self-check and the peak of memory.
    Status,
    /// The ends of the threads' pipes at which a thread waits.
    PipeReading,
    /// Standard output and standard error.
    Output,
    /// The ends of the threads' pipes at which a thread wakes the other.
    PipeWriting,
}

/// What must hold of a call's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The first argument is one of these descriptors.
    Descriptor(DescriptorUse),
    /// The first two arguments are exactly the address and the length of a result buffer.
    ResultBuffer,
    /// The second argument is exactly `FUTEX_WAKE_PRIVATE`, and the process was granted waking.
    Waking,
    /// The third argument is exactly this protection, as `mprotect` takes it.
    Protection(i32),
}

/// One row: a system call, what must hold of its arguments, and why it is needed.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The call's name.
    pub call: &'static str,
    /// Its number on the machine this is built for.
    pub number: i64,
    /// All of these must hold. None: any arguments.
    pub conditions: &'static [Condition],
    /// What it is needed for.
    pub why: &'static str,
}

/// Readable.
const READ: i32 = libc::PROT_READ;
/// Readable and writable.
const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;

/// All that is allowed.
pub const POLICY: &[Row] = &[
    Row {
        call: "read",
        number: libc::SYS_read,
        conditions: &[Condition::Descriptor(DescriptorUse::Input)],
        why: "the bytes to be coded",
    },
    Row {
        call: "read",
        number: libc::SYS_read,
        conditions: &[Condition::Descriptor(DescriptorUse::Status)],
        why: "whether the jail is in force; the peak of memory for the report",
    },
    Row {
        call: "read",
        number: libc::SYS_read,
        conditions: &[Condition::Descriptor(DescriptorUse::PipeReading)],
        why: "a thread waits for the other: `futex` could wait on any address, a pipe only for a byte",
    },
    Row {
        call: "write",
        number: libc::SYS_write,
        conditions: &[Condition::Descriptor(DescriptorUse::Output)],
        why: "the result, and the report line",
    },
    Row {
        call: "write",
        number: libc::SYS_write,
        conditions: &[Condition::Descriptor(DescriptorUse::PipeWriting)],
        why: "a thread wakes the other",
    },
    Row {
        call: "mprotect",
        number: libc::SYS_mprotect,
        conditions: &[Condition::ResultBuffer, Condition::Protection(READ)],
        why: "a result is sealed before it is verified",
    },
    Row {
        call: "mprotect",
        number: libc::SYS_mprotect,
        conditions: &[Condition::ResultBuffer, Condition::Protection(READ_WRITE)],
        why: "a buffer takes the next result",
    },
    Row {
        call: "futex",
        number: libc::SYS_futex,
        conditions: &[Condition::Waking],
        why: "a library of `lepta-import` wakes threads that there are none of; no other process is granted it",
    },
    Row {
        call: "exit_group",
        number: libc::SYS_exit_group,
        conditions: &[],
        why: "the process ends",
    },
    Row {
        call: "exit",
        number: libc::SYS_exit,
        conditions: &[],
        why: "a thread ends; it can do no harm to others",
    },
    Row {
        call: "rt_sigreturn",
        number: libc::SYS_rt_sigreturn,
        conditions: &[],
        why: "the kernel has a signal handler return through it",
    },
];

impl fmt::Display for DescriptorUse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Input => "standard input, or the reference's descriptor",
            Self::Status => "`/proc/self/status`, opened before the jail",
            Self::PipeReading => "the reading end of a pipe between the threads",
            Self::Output => "standard output or standard error",
            Self::PipeWriting => "the writing end of a pipe between the threads",
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Descriptor(use_of) => write!(formatter, "descriptor: {use_of}"),
            Self::ResultBuffer => {
                formatter.write_str("address and length: exactly those of a result buffer")
            }
            Self::Waking => formatter.write_str("operation: exactly `FUTEX_WAKE_PRIVATE`"),
            Self::Protection(READ) => formatter.write_str("protection: exactly `PROT_READ`"),
            Self::Protection(READ_WRITE) => {
                formatter.write_str("protection: exactly `PROT_READ|PROT_WRITE`")
            }
            Self::Protection(other) => write!(formatter, "protection: exactly {other}"),
        }
    }
}

impl fmt::Display for Row {
    /// A row of a table in Markdown.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "| `{}` | ", self.call)?;
        if self.conditions.is_empty() {
            formatter.write_str("any")?;
        }
        for (index, condition) in self.conditions.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{condition}")?;
        }
        write!(formatter, " | {} |", self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of `SECURITY.md` must be this table, row by row.
    #[test]
    fn the_documentation_shows_this_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../SECURITY.md");
        let text = std::fs::read_to_string(path).expect("SECURITY.md");
        let documented: Vec<&str> = text
            .lines()
            .skip_while(|line| !line.starts_with("| system call | arguments |"))
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .collect();
        let expected: Vec<String> = POLICY.iter().map(Row::to_string).collect();
        assert_eq!(
            documented,
            expected,
            "SECURITY.md must have:\n{}",
            expected.join("\n")
        );
    }

    #[test]
    fn nothing_is_executable() {
        for row in POLICY {
            for condition in row.conditions {
                if let Condition::Protection(protection) = condition {
                    assert_eq!(protection & libc::PROT_EXEC, 0, "{row}");
                }
            }
        }
    }
}
