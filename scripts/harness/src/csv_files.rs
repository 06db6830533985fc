//! The figures as CSV: every file and operation, and the summary.

use std::io;
use std::path::Path;

use csv::Writer;

use crate::codec::{Codec, Operation};
use crate::measure::{Measured, Outcome};
use crate::summary::Summary;

/// One row for each file, codec and operation. Times are medians in seconds; a refused file has
/// one row with the reason.
pub(crate) fn write_files(path: &Path, codecs: &[Codec], files: &[Measured]) -> io::Result<()> {
    let mut rows = Writer::from_path(path)?;
    rows.write_record([
        "file",
        "kind",
        "bytes",
        "codec",
        "coded_bytes",
        "operation",
        "user_s",
        "system_s",
        "wall_s",
        "peak_rss_bytes",
        "refusal",
    ])?;
    for file in files {
        for (codec, outcome) in codecs.iter().zip(&file.codecs) {
            let start = [
                file.photo.name.clone(),
                file.photo.kind.name().to_owned(),
                file.photo.bytes.to_string(),
                codec.name.to_owned(),
            ];
            for end in outcome_rows(outcome) {
                rows.write_record(start.iter().chain(&end))?;
            }
        }
    }
    rows.flush()
}

fn outcome_rows(outcome: &Outcome) -> Vec<[String; 7]> {
    let coded = match outcome {
        Outcome::Coded(coded) => coded,
        Outcome::Refused(reason) => {
            return vec![["", "", "", "", "", "", reason].map(str::to_owned)];
        }
    };
    let timings = Operation::ALL.into_iter().filter_map(|operation| {
        let timing = coded.timing(operation)?;
        Some([
            coded.bytes.to_string(),
            operation.name().to_owned(),
            format!("{:.6}", timing.user),
            format!("{:.6}", timing.system),
            format!("{:.6}", timing.wall),
            timing
                .peak_rss_bytes
                .map_or(String::new(), |peak| peak.to_string()),
            String::new(),
        ])
    });
    timings.collect()
}

/// One row for each codec: savings in percent, speeds in MB/s of user time, memory in MB.
pub(crate) fn write_summary(path: &Path, summaries: &[Summary]) -> io::Result<()> {
    let mut rows = Writer::from_path(path)?;
    rows.write_record([
        "codec",
        "baseline_saving_percent",
        "progressive_saving_percent",
        "encode_MB_per_s",
        "encode_verified_MB_per_s",
        "decode_MB_per_s",
        "verified_over_encode",
        "two_threads_wall_over_encode",
        "encode_verified_rss_MB_median",
        "encode_verified_rss_MB_most",
        "decode_rss_MB_median",
        "decode_rss_MB_most",
    ])?;
    for summary in summaries {
        let verified = summary.memory(Operation::EncodeVerified);
        let decode = summary.memory(Operation::Decode);
        let figures = [
            summary.baseline.percent(),
            summary.progressive.percent(),
            summary.speed(Operation::Encode),
            summary.speed(Operation::EncodeVerified),
            summary.speed(Operation::Decode),
            summary.verified_cost,
            summary.two_threads_cost,
            verified.map(|memory| memory.median / 1e6),
            verified.map(|memory| memory.most / 1e6),
            decode.map(|memory| memory.median / 1e6),
            decode.map(|memory| memory.most / 1e6),
        ];
        let figures =
            figures.map(|figure| figure.map_or(String::new(), |figure| format!("{figure:.3}")));
        rows.write_record([summary.name.to_owned()].iter().chain(&figures))?;
    }
    rows.flush()
}
