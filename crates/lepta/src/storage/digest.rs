//! BLAKE3 and length of bytes on their way.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

/// Bytes hashed at once when nothing else is done with them.
const PIECE: usize = 256 << 10;

/// Length and BLAKE3 of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Digest {
    /// In bytes.
    pub(crate) length: u64,
    pub(crate) hash: blake3::Hash,
}

/// As `LENGTH:HEXADECIMAL`.
impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.length, self.hash)
    }
}

impl FromStr for Digest {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (length, hash) = text.split_once(':').ok_or(())?;
        Ok(Self {
            length: length.parse().map_err(drop)?,
            hash: blake3::Hash::from_hex(hash).map_err(drop)?,
        })
    }
}

#[derive(Default)]
struct Hashing {
    length: u64,
    hasher: blake3::Hasher,
}

impl Hashing {
    fn take(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.hasher.update(bytes);
    }

    fn digest(&self) -> Digest {
        Digest {
            length: self.length,
            hash: self.hasher.finalize(),
        }
    }
}

/// Hands bytes on and hashes them.
pub(crate) struct HashingReader<R> {
    source: R,
    hashing: Hashing,
}

impl<R: Read> HashingReader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            hashing: Hashing::default(),
        }
    }

    /// Of the bytes read so far.
    pub(crate) fn digest(&self) -> Digest {
        self.hashing.digest()
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.hashing.take(&buffer[..count]);
        Ok(count)
    }
}

/// Hands bytes on and hashes those that were taken.
pub(crate) struct HashingWriter<W> {
    sink: W,
    hashing: Hashing,
}

impl<W: Write> HashingWriter<W> {
    pub(crate) fn new(sink: W) -> Self {
        Self {
            sink,
            hashing: Hashing::default(),
        }
    }

    /// Of the bytes written so far.
    pub(crate) fn digest(&self) -> Digest {
        self.hashing.digest()
    }
}

impl<W> HashingWriter<W> {
    /// Where the bytes went.
    pub(crate) fn into_inner(self) -> W {
        self.sink
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.sink.write(buffer)?;
        self.hashing.take(&buffer[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// The digest of everything in `source`.
///
/// # Errors
/// If reading fails.
pub(crate) fn digest_of(mut source: impl Read) -> io::Result<Digest> {
    let mut hashing = Hashing::default();
    let mut piece = vec![0; PIECE];
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(hashing.digest()),
            Ok(count) => hashing.take(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_gives_the_same_digest() {
        let bytes: Vec<u8> = (0..600_000u32).map(|index| (index % 253) as u8).collect();
        let expected = digest_of(bytes.as_slice()).expect("memory");
        assert_eq!(expected.length, 600_000);
        assert_eq!(expected.hash, blake3::hash(&bytes));
        let mut reader = HashingReader::new(bytes.as_slice());
        let mut writer = HashingWriter::new(io::sink());
        io::copy(&mut reader, &mut writer).expect("memory");
        assert_eq!((reader.digest(), writer.digest()), (expected, expected));
    }

    #[test]
    fn a_digest_is_read_as_it_is_shown() {
        let digest = digest_of(b"abc".as_slice()).expect("memory");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for wrong in ["", "3", "3:", "x:00", "3:00"] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        }
    }
}
