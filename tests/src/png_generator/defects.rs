//! What can be wrong with a generated PNG.

/// One way of breaking the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// The CRC of the first IDAT.
    WrongCrc,
    /// The Adler-32 of the zlib stream.
    WrongAdler,
    /// IDAT chunks without data among the others.
    EmptyChunks,
    /// Bytes behind the zlib stream in the last IDAT.
    TrailingBytes,
    /// No IEND.
    NoEnd,
    /// The last rows are missing, the stream ends early.
    MissingRows,
    /// There are more rows than the header says.
    ExtraRows,
    /// A filter type that there is not.
    UnknownFilter,
    /// Another chunk between the IDATs.
    ForeignChunk,
    /// A byte within the zlib stream is another one.
    ChangedByte,
    /// Behind half of the IDATs the file ends.
    Truncated,
    /// The zlib header states another window.
    SmallerWindow,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::WrongCrc,
        Self::WrongAdler,
        Self::EmptyChunks,
        Self::TrailingBytes,
        Self::NoEnd,
        Self::MissingRows,
        Self::ExtraRows,
        Self::UnknownFilter,
        Self::ForeignChunk,
        Self::ChangedByte,
        Self::Truncated,
        Self::SmallerWindow,
    ];
}
