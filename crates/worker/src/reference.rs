//! The reference file of a job, read from a descriptor of its own.
//!
//! Invariant: the file is read once, in the jail, and sealed before anybody looks at it; encoder and
//! verifying decoder share these bytes, which neither can change.

use lepta_codec::ReferenceFile;
use lepta_sandbox::{Input as Descriptor, SealedBuffer};

use crate::budget::PAGE;
use crate::failure::Failure;
use crate::streams::Input;

/// Bytes of the buffer: a file of the greatest length of use, and a page that tells longer ones.
pub(crate) const BUFFER_LENGTH: usize = ReferenceFile::LENGTH_MAX + PAGE;

/// A descriptor that a reference comes from, and room for it.
#[derive(Debug)]
pub(crate) struct ReferenceInput {
    pub(crate) descriptor: Descriptor,
    /// [`BUFFER_LENGTH`] bytes, which cost memory as far as they are used.
    pub(crate) buffer: SealedBuffer,
}

impl ReferenceInput {
    /// Reads the file; of one that is too long only the start.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn read(self) -> Result<ReferenceFile, Failure> {
        let Self {
            descriptor,
            mut buffer,
        } = self;
        let length = Input::new(descriptor)
            .fill(buffer.writable())
            .map_err(|failure| {
                Failure::new(failure.status, format!("reference: {}", failure.message))
            })?;
        buffer.seal();
        Ok(ReferenceFile::new(SealedFile { buffer, length }))
    }
}

/// The bytes of a sealed buffer that were read.
struct SealedFile {
    buffer: SealedBuffer,
    length: usize,
}

impl AsRef<[u8]> for SealedFile {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}
