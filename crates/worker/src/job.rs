//! The job of a worker that was started ahead (`--await-job`): a header of fixed size on its
//! standard input, read after the jail is up, directly followed by the object's bytes.
//!
//! | offset | bytes | field |
//! |---:|---:|---|
//! | 0 | 4 | magic `LJOB` |
//! | 4 | 1 | version of this layout: 2 |
//! | 5 | 1 | operation: 1 compress, 2 decompress, 3 verify, 4 store, 5 inspect, 6 probe |
//! | 6 | 1 | level: 1 fast, 2 default, 3 max |
//! | 7 | 1 | flags: bit 0 = do not verify, bit 1 = with the reference of the descriptor that the worker was started with; the others are zero |
//! | 8 | 8 | memory limit in bytes, 0 = as started; at most what the worker was started with |
//! | 16 | 8 | input limit in bytes, 0 = none: a longer object ends with status 32 |
//! | 24 | 4 | PNGs after which all models start anew (a key), 0 = never; 32 is usual |
//! | 28 | 4 | zero |
//! | 32 | 8 | raw bytes after which all models start anew; 0 = never, else 4096 at least |
//! | 40 | 8 | first byte of the original that is wanted, in a decompression; else zero |
//! | 48 | 8 | the one behind the last; 0 = all of the original is wanted |
//! | 56 | 4 | zero |
//! | 60 | 4 | CRC-32 (IEEE) of the 60 bytes before |
//!
//! Integers are little-endian. The limit of processor time, the number of threads and the form of
//! the report are fixed when the worker starts: the jail forbids changing them.
//!
//! Invariant: [`Job::decode`] accepts exactly what [`Job::encode`] writes of jobs that keep these rules.

use std::fmt;

pub use lepta_codec::{KEY_EVERY, Level};

/// How many of a container's last bytes [`Operation::Inspect`] needs at most.
pub const INSPECTED: usize = lepta_codec::ContainerEnd::SIZE_MAX;

/// How many of a file's first bytes [`Operation::Probe`] reads at most.
pub const PROBED: usize = lepta_codec::PROBED;

/// Length of an encoded job in bytes.
pub const JOB_HEADER_LENGTH: usize = 64;

const MAGIC: [u8; 4] = *b"LJOB";
const VERSION: u8 = 2;
const FLAG_NO_VERIFY: u8 = 1;
const FLAG_REFERENCE: u8 = 2;
/// Bytes that are zero.
const RESERVED: [std::ops::Range<usize>; 2] = [28..32, 56..60];
const CRC_OFFSET: usize = JOB_HEADER_LENGTH - 4;

/// What a worker does with its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Any bytes in, a verified container out.
    Compress,
    /// Containers in, the original bytes out.
    Decompress,
    /// Containers in, nothing out: only whether they are whole.
    Verify,
    /// Any bytes in, a verified container out that holds them as they are: no model looks at them.
    Store,
    /// The last bytes of a container in, [`INSPECTED`] or all there are; nothing out: what the container
    /// says about itself at its end.
    Inspect,
    /// The first bytes of a file in, [`PROBED`] or all there are; nothing out: which kind of image it begins
    /// with, and how large that is.
    Probe,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 6] = [
        Self::Compress,
        Self::Decompress,
        Self::Verify,
        Self::Store,
        Self::Inspect,
        Self::Probe,
    ];

    /// The word on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compress => "compress",
            Self::Decompress => "decompress",
            Self::Verify => "verify",
            Self::Store => "store",
            Self::Inspect => "inspect",
            Self::Probe => "probe",
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Compress => 1,
            Self::Decompress => 2,
            Self::Verify => 3,
            Self::Store => 4,
            Self::Inspect => 5,
            Self::Probe => 6,
        }
    }
}

/// The least of [`Job::restart_every`] but for never.
pub const RESTART_EVERY_MIN: u64 = 4096;

/// A part of the original, in bytes; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    start: u64,
    end: u64,
}

impl ByteRange {
    /// From `start` to in front of `end`; `None` if there is nothing between them.
    pub const fn new(start: u64, end: u64) -> Option<Self> {
        if start < end {
            Some(Self { start, end })
        } else {
            None
        }
    }

    /// Reads `START..END`, both of digits alone.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |digits: &str| {
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            is_plain.then(|| digits.parse().ok())?
        };
        let (start, end) = text.split_once("..")?;
        Self::new(number(start)?, number(end)?)
    }

    /// The first byte.
    pub const fn start(self) -> u64 {
        self.start
    }

    /// The one behind the last.
    pub const fn end(self) -> u64 {
        self.end
    }

    /// How many bytes.
    pub const fn length(self) -> u64 {
        self.end - self.start
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}..{}", self.start, self.end)
    }
}

/// One job: what to do, and within which limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// What to do with the object.
    pub operation: Operation,
    /// The model for compression; decompression reads it from the container.
    pub level: Level,
    /// Whether compressed segments are decoded and compared before they are written.
    pub verify: bool,
    /// Bytes the whole process may take; `None`: what the worker was started with.
    pub memory_limit: Option<u64>,
    /// Bytes the object may have; `None`: any number.
    pub input_limit: Option<u64>,
    /// After how many PNGs a compression starts all models anew; 0: never.
    pub key_every: u32,
    /// After how many raw bytes it does, [`RESTART_EVERY_MIN`] at least; 0: never.
    pub restart_every: u64,
    /// The part of the original that a decompression gives back; `None`: all of it.
    pub range: Option<ByteRange>,
    /// Whether there is a reference: what comes from the descriptor that the worker was started with
    /// (`--patch-from-fd`), up to its end. It is read before the object.
    pub reference: bool,
}

/// Why a job header was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobError {
    /// The first four bytes are not the magic.
    Magic([u8; 4]),
    /// The checksum is not that of the header.
    Checksum {
        /// The CRC-32 in the header.
        stated: u32,
        /// The CRC-32 of its bytes.
        computed: u32,
    },
    /// A version this build does not know.
    Version(u8),
    /// No operation has this code.
    Operation(u8),
    /// No level has this code.
    Level(u8),
    /// Flags this version does not define.
    Flags(u8),
    /// Bytes that have to be zero are not; the offset of the first of them.
    Reserved(usize),
    /// Models would start anew after so many bytes.
    RestartEvery(u64),
    /// A range that is empty, or for something else than a decompression.
    Range {
        /// The first byte.
        start: u64,
        /// The one behind the last.
        end: u64,
    },
}

impl fmt::Display for JobError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic(bytes) => write!(formatter, "the job header starts with {bytes:02x?}"),
            Self::Checksum { stated, computed } => write!(
                formatter,
                "the job header's checksum is {computed:08x}, but it states {stated:08x}"
            ),
            Self::Version(version) => {
                write!(formatter, "job headers of version {version} are unknown")
            }
            Self::Operation(code) => write!(formatter, "the job's operation {code} is unknown"),
            Self::Level(code) => write!(formatter, "the job's level {code} is unknown"),
            Self::Flags(flags) => write!(formatter, "the job's flags {flags:#04x} are unknown"),
            Self::Reserved(offset) => {
                write!(formatter, "the job header's byte {offset} has to be zero")
            }
            Self::RestartEvery(bytes) => write!(
                formatter,
                "the job would start anew after {bytes} bytes, at least {RESTART_EVERY_MIN} are needed"
            ),
            Self::Range { start, end } => write!(
                formatter,
                "the job's range {start}..{end} is empty or not for a decompression"
            ),
        }
    }
}

impl std::error::Error for JobError {}

impl Job {
    /// An operation on any object with what is usual: verified, at the default level, all of it.
    pub const fn of(operation: Operation) -> Self {
        Self {
            operation,
            level: Level::Default,
            verify: true,
            memory_limit: None,
            input_limit: None,
            key_every: KEY_EVERY,
            restart_every: 0,
            range: None,
            reference: false,
        }
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; JOB_HEADER_LENGTH] {
        let mut header = [0; JOB_HEADER_LENGTH];
        header[..4].copy_from_slice(&MAGIC);
        header[4] = VERSION;
        header[5] = self.operation.code();
        header[6] = level_code(self.level);
        header[7] = if self.verify { 0 } else { FLAG_NO_VERIFY };
        header[7] |= if self.reference { FLAG_REFERENCE } else { 0 };
        header[8..16].copy_from_slice(&self.memory_limit.unwrap_or(0).to_le_bytes());
        header[16..24].copy_from_slice(&self.input_limit.unwrap_or(0).to_le_bytes());
        header[24..28].copy_from_slice(&self.key_every.to_le_bytes());
        header[32..40].copy_from_slice(&self.restart_every.to_le_bytes());
        if let Some(range) = self.range {
            header[40..48].copy_from_slice(&range.start.to_le_bytes());
            header[48..56].copy_from_slice(&range.end.to_le_bytes());
        }
        let crc = crc32fast::hash(&header[..CRC_OFFSET]);
        header[CRC_OFFSET..].copy_from_slice(&crc.to_le_bytes());
        header
    }

    /// Reads a header.
    ///
    /// # Errors
    /// The first rule that the header violates: the magic, the version, the checksum, then each field.
    pub fn decode(header: &[u8; JOB_HEADER_LENGTH]) -> Result<Self, JobError> {
        let magic = array_at(header, 0);
        if magic != MAGIC {
            return Err(JobError::Magic(magic));
        }
        if header[4] != VERSION {
            return Err(JobError::Version(header[4]));
        }
        let stated = u32::from_le_bytes(array_at(header, CRC_OFFSET));
        let computed = crc32fast::hash(&header[..CRC_OFFSET]);
        if stated != computed {
            return Err(JobError::Checksum { stated, computed });
        }
        if header[7] & !(FLAG_NO_VERIFY | FLAG_REFERENCE) != 0 {
            return Err(JobError::Flags(header[7]));
        }
        let mut reserved = RESERVED.into_iter().flatten();
        if let Some(offset) = reserved.find(|&offset| header[offset] != 0) {
            return Err(JobError::Reserved(offset));
        }
        let operation = operation_of(header[5])?;
        Ok(Self {
            operation,
            level: level_of(header[6])?,
            verify: header[7] & FLAG_NO_VERIFY == 0,
            memory_limit: limit_at(header, 8),
            input_limit: limit_at(header, 16),
            key_every: u32::from_le_bytes(array_at(header, 24)),
            restart_every: restart_every_of(number_at(header, 32))?,
            range: range_of(operation, number_at(header, 40), number_at(header, 48))?,
            reference: header[7] & FLAG_REFERENCE != 0,
        })
    }
}

/// The `N` bytes of the header from `offset` on; the offsets are constants inside of it.
fn array_at<const N: usize>(header: &[u8; JOB_HEADER_LENGTH], offset: usize) -> [u8; N] {
    std::array::from_fn(|index| header[offset + index])
}

fn number_at(header: &[u8; JOB_HEADER_LENGTH], offset: usize) -> u64 {
    u64::from_le_bytes(array_at(header, offset))
}

fn limit_at(header: &[u8; JOB_HEADER_LENGTH], offset: usize) -> Option<u64> {
    Some(number_at(header, offset)).filter(|&limit| limit != 0)
}

fn restart_every_of(bytes: u64) -> Result<u64, JobError> {
    match bytes {
        1..RESTART_EVERY_MIN => Err(JobError::RestartEvery(bytes)),
        _ => Ok(bytes),
    }
}

fn range_of(operation: Operation, start: u64, end: u64) -> Result<Option<ByteRange>, JobError> {
    if (start, end) == (0, 0) {
        return Ok(None);
    }
    let range = ByteRange::new(start, end).filter(|_| operation == Operation::Decompress);
    range.map(Some).ok_or(JobError::Range { start, end })
}

fn operation_of(code: u8) -> Result<Operation, JobError> {
    Operation::ALL
        .into_iter()
        .find(|operation| operation.code() == code)
        .ok_or(JobError::Operation(code))
}

const fn level_code(level: Level) -> u8 {
    match level {
        Level::Fast => 1,
        Level::Default => 2,
        Level::Max => 3,
    }
}

fn level_of(code: u8) -> Result<Level, JobError> {
    Level::ALL
        .into_iter()
        .find(|&level| level_code(level) == code)
        .ok_or(JobError::Level(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(mut header: [u8; JOB_HEADER_LENGTH]) -> [u8; JOB_HEADER_LENGTH] {
        let crc = crc32fast::hash(&header[..CRC_OFFSET]);
        header[CRC_OFFSET..].copy_from_slice(&crc.to_le_bytes());
        header
    }

    #[test]
    fn every_combination_comes_back() {
        for operation in Operation::ALL {
            for level in Level::ALL {
                for verify in [true, false] {
                    for limit in [None, Some(RESTART_EVERY_MIN), Some(u64::MAX)] {
                        let range = limit.and_then(|limit| ByteRange::new(limit - 1, limit));
                        let job = Job {
                            operation,
                            level,
                            verify,
                            memory_limit: limit,
                            input_limit: limit,
                            key_every: limit.map_or(0, |limit| limit as u32),
                            restart_every: limit.unwrap_or(0),
                            range: range.filter(|_| operation == Operation::Decompress),
                            reference: limit.is_some(),
                        };
                        assert_eq!(Job::decode(&job.encode()), Ok(job));
                    }
                }
            }
        }
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let job = Job {
            memory_limit: Some(24_000_000),
            restart_every: 0x1_0000,
            ..Job::of(Operation::Compress)
        };
        let header = job.encode();
        assert_eq!(&header[..8], b"LJOB\x02\x01\x02\x00");
        assert_eq!(&header[8..16], &24_000_000_u64.to_le_bytes());
        assert_eq!(
            &header[16..32],
            &[0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(&header[32..40], &0x1_0000_u64.to_le_bytes());
        assert_eq!(&header[40..60], &[0; 20]);
        let range = ByteRange::new(3, 0x107);
        let part = Job {
            range,
            ..Job::of(Operation::Decompress)
        };
        let header = part.encode();
        assert_eq!(
            &header[40..56],
            &[3, 0, 0, 0, 0, 0, 0, 0, 7, 1, 0, 0, 0, 0, 0, 0]
        );
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        for bit in 0..JOB_HEADER_LENGTH * 8 {
            let mut header = Job::of(Operation::Compress).encode();
            header[bit / 8] ^= 1 << (bit % 8);
            assert!(Job::decode(&header).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn each_violated_rule_has_its_own_error() {
        let with = |offset: usize, value: u8| {
            let mut header = Job::of(Operation::Compress).encode();
            header[offset] = value;
            Job::decode(&sealed(header))
        };
        assert_eq!(with(0, b'X'), Err(JobError::Magic(*b"XJOB")));
        assert_eq!(with(4, 1), Err(JobError::Version(1)));
        assert_eq!(with(5, 0), Err(JobError::Operation(0)));
        assert_eq!(with(5, 7), Err(JobError::Operation(7)));
        assert_eq!(with(6, 4), Err(JobError::Level(4)));
        assert_eq!(with(7, 4), Err(JobError::Flags(4)));
        for reserved in RESERVED.into_iter().flatten() {
            assert_eq!(with(reserved, 1), Err(JobError::Reserved(reserved)));
        }
        assert_eq!(with(33, 15), Err(JobError::RestartEvery(15 << 8)));
        // For a compression, whatever the range.
        assert_eq!(with(48, 9), Err(JobError::Range { start: 0, end: 9 }));
        let mut empty = Job::of(Operation::Decompress).encode();
        (empty[40], empty[48]) = (7, 7);
        let error = Err(JobError::Range { start: 7, end: 7 });
        assert_eq!(Job::decode(&sealed(empty)), error);
        let mut header = Job::of(Operation::Compress).encode();
        header[JOB_HEADER_LENGTH - 1] ^= 1;
        assert!(matches!(
            Job::decode(&header),
            Err(JobError::Checksum { .. })
        ));
    }

    #[test]
    fn ranges_are_written_one_way() {
        let range = ByteRange::parse("5..17").expect("a range");
        assert_eq!((range.start(), range.end(), range.length()), (5, 17, 12));
        assert_eq!(range.to_string(), "5..17");
        for text in [
            "",
            "5",
            "5..",
            "..5",
            "5..5",
            "6..5",
            "+5..6",
            "5...6",
            "5..6 ",
            "0..18446744073709551616",
        ] {
            assert_eq!(ByteRange::parse(text), None, "{text}");
        }
    }
}
