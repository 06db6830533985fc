//! `.lep` files: JPEGs as Lepton and its successors wrote them.
//!
//! Invariant: success means that as many bytes came out as the file says that its JPEG has.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use lepta_sandbox::StandardOutput;
use lepton_jpeg::{EnabledFeatures, SingleThreadPool, decode_lepton};

use crate::failure::Failure;
use crate::report::{count_input, count_output};

const BUFFER: usize = 64 << 10;
/// The first two bytes of every such file.
const MAGIC: [u8; 2] = [0xCF, 0x84];
/// Where the JPEG's length stands, in four bytes, little-endian.
const LENGTH_OFFSET: usize = 20;
/// Bytes of the header that is neither compressed nor optional.
const HEADER: usize = 28;

/// Restores the JPEG of a `.lep` file to standard output.
///
/// # Errors
/// If it is none that the library reads, or reading or writing fails.
pub(crate) fn restore(input: impl Read) -> Result<(), Failure> {
    let mut input = BufReader::with_capacity(
        BUFFER,
        Counted {
            inner: input,
            failed: None,
        },
    );
    let expected = stated_length(&mut input)?;
    let mut output = BufWriter::with_capacity(
        BUFFER,
        CountedOutput {
            bytes: 0,
            failed: None,
        },
    );
    let features = EnabledFeatures {
        max_processor_threads: 1,
        ..EnabledFeatures::compat_lepton_vector_read()
    };
    let decoded = decode_lepton(
        &mut input,
        &mut output,
        &features,
        &SingleThreadPool::default(),
    );
    let flushed = output.flush();
    // What the system said comes before what the library made of it.
    if let Some(error) = input.get_mut().failed.take() {
        return Err(Failure::reading(&error));
    }
    if let Some(error) = output.get_mut().failed.take().or(flushed.err()) {
        return Err(Failure::writing(&error));
    }
    decoded.map_err(|error| {
        // Its further lines say where in the library that was.
        let said = error.message().lines().next().unwrap_or_default();
        Failure::malformed(format!("the library cannot read it: {said}"))
    })?;
    let written = output.get_ref().bytes;
    if written != u64::from(expected) {
        let what = format!("{written} bytes came out of a JPEG of {expected}");
        return Err(Failure::malformed(what));
    }
    Ok(())
}

/// The JPEG's length as the header states it; the header stays to be read.
fn stated_length(input: &mut BufReader<impl Read>) -> Result<u32, Failure> {
    let start = input.fill_buf().map_err(|error| Failure::reading(&error))?;
    match start.get(..HEADER) {
        Some(header) if header.starts_with(&MAGIC) => {
            let length = std::array::from_fn(|index| header[LENGTH_OFFSET + index]);
            Ok(u32::from_le_bytes(length))
        }
        _ => Err(Failure::malformed("is no .lep file")),
    }
}

/// An input that is counted, and remembers why it failed.
struct Counted<R> {
    inner: R,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        match &read {
            Ok(count) => count_input(*count),
            Err(error) => self.failed = Some(copy_of(error)),
        }
        read
    }
}

/// The same for standard output.
struct CountedOutput {
    bytes: u64,
    failed: Option<io::Error>,
}

impl Write for CountedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = StandardOutput.write(bytes);
        match &written {
            Ok(count) => {
                self.bytes += *count as u64;
                count_output(*count);
            }
            Err(error) => self.failed = Some(copy_of(error)),
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn copy_of(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => error.kind().into(),
    }
}
