//! The exit statuses: the one table that the process, the reports and the documentation share.
//!
//! Invariant: codes are unique and at most 125 (shells and container engines use what is above);
//! names are unique, lower-case words that serve as metric labels and as `status_name` in reports.

macro_rules! status_table {
    ($($variant:ident = $code:literal, $name:literal, $meaning:literal;)+) => {
        /// How a worker ended: 0–2 general, 10–29 keep the original, 30–39 limits, 40–49 input and
        /// output (worth a retry), 50–59 damaged compressed data, 60–69 alarms.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Status {
            $(#[doc = $meaning] $variant = $code,)+
        }

        impl Status {
            /// Every status, in ascending order of its code.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The lower-case word for reports and metric labels.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What the status says, for people.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }
        }
    };
}

status_table! {
    Done = 0, "done", "done, and verified unless verification was switched off";
    Other = 1, "other", "a failure that no other status names";
    Usage = 2, "usage", "the command line or the job header is wrong";
    NothingGained = 10, "nothing_gained", "the result would not be smaller, and was wanted only if it is";
    Memory = 30, "memory", "the memory limit does not suffice";
    Time = 31, "time", "the limit of processor time is used up";
    Size = 32, "size", "the input is longer than the job allows";
    Dimensions = 33, "dimensions", "the image is larger than the format or the memory limit allows";
    Read = 40, "read", "reading the input failed";
    Write = 41, "write", "writing the output failed";
    NoSpace = 42, "no_space", "no space, quota or permitted file size is left for the output";
    Busy = 43, "busy", "a descriptor does not block and cannot be made to";
    Truncated = 50, "truncated", "the compressed data ends too early";
    Checksum = 51, "checksum", "a checksum of the compressed data or of its contents is wrong";
    UnknownVersion = 52, "unknown_version", "the compressed data has a version or kind this build does not know";
    Reference = 53, "reference", "the reference is missing or not the one used to compress";
    Malformed = 54, "malformed", "the data is not in Lepta's format";
    VerificationFailed = 60, "verification_failed", "what was coded did not decode to the input, even stored";
    Internal = 61, "internal", "a bug in this program";
    NoSandbox = 62, "no_sandbox", "the jail could not be set up";
}

impl Status {
    /// The process's exit status.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The status with this code, if the table has one.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|status| status.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_and_stay_below_what_shells_use() {
        assert!(Status::ALL.is_sorted_by(|a, b| a.code() < b.code()));
        assert!(Status::ALL.iter().all(|status| status.code() <= 125));
    }

    #[test]
    fn names_are_unique_metric_labels() {
        for (index, status) in Status::ALL.iter().enumerate() {
            let name = status.name();
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{name}"
            );
            assert!(
                Status::ALL[..index]
                    .iter()
                    .all(|other| other.name() != name)
            );
            assert!(!status.meaning().is_empty());
        }
    }

    #[test]
    fn codes_lead_back_to_their_statuses() {
        for &status in Status::ALL {
            assert_eq!(Status::from_code(status.code()), Some(status));
        }
        assert_eq!(Status::from_code(99), None);
    }
}
