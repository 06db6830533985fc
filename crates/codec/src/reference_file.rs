//! A file that is given beside the input, because an image of the input may be like one in it.
//!
//! Invariant: the bytes of a [`ReferenceFile`] do not change, and its checksum is theirs.

use std::fmt;
use std::sync::Arc;

/// A file from outside of the stream against which a container is coded. Copies share its bytes.
#[derive(Clone)]
pub struct ReferenceFile {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    checksum: u32,
}

impl ReferenceFile {
    /// Most bytes of a file that is of use; longer ones are refused.
    pub const LENGTH_MAX: usize = 3 << 20;

    /// Takes a file, and computes its checksum. What `bytes` gives must not change.
    pub fn new(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        let checksum = crc32fast::hash(bytes.as_ref());
        Self {
            bytes: Arc::new(bytes),
            checksum,
        }
    }

    /// The whole file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    /// How it is known in a container.
    #[must_use]
    pub fn identity(&self) -> ReferenceIdentity {
        ReferenceIdentity {
            length: u32::try_from(self.bytes().len()).unwrap_or(u32::MAX),
            checksum: self.checksum,
        }
    }
}

impl fmt::Debug for ReferenceFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.identity().fmt(formatter)
    }
}

/// What tells one reference file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceIdentity {
    /// Bytes of the file.
    pub length: u32,
    /// The CRC-32 of them.
    pub checksum: u32,
}

impl fmt::Display for ReferenceIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} bytes with the checksum {:08x}",
            self.length, self.checksum
        )
    }
}
