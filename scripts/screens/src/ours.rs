//! Lepta itself: the whole run as one stream.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::child::{self, Cost};
use crate::frames::Run;
use crate::report::{Figures, Keeps};

/// A way of calling the worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    pub(crate) name: &'static str,
    arguments: &'static [&'static str],
}

pub(crate) const METHODS: [Method; 3] = [
    Method {
        name: "lepta default",
        arguments: &[],
    },
    Method {
        name: "lepta fast",
        arguments: &["--level", "fast"],
    },
    Method {
        name: "lepta default, no keys",
        arguments: &["--key-every", "0"],
    },
];

/// Measures a method; fails if the files do not come back.
pub(crate) fn measure(
    worker: &Path,
    method: Method,
    run: &Run,
    scratch: &Path,
    repetitions: usize,
) -> Result<Figures, Box<dyn Error>> {
    let [stream, coded, again] = ["stream", "coded", "again"].map(|name| scratch.join(name));
    let files: Result<Vec<Vec<u8>>, _> = run.files.iter().map(fs::read).collect();
    fs::write(&stream, files?.concat())?;
    let own = |words: &[&str]| {
        let words = words.iter().map(|&word| word.to_owned());
        words.collect::<Vec<String>>()
    };
    let compress = own(&[&["compress"], method.arguments].concat());
    let unverified = [&compress[..], &own(&["--no-verify"])].concat();
    let mut costs: [Vec<Cost>; 3] = Default::default();
    for _ in 0..repetitions.max(1) {
        costs[0].push(child::run(
            worker,
            &unverified,
            Some(&stream),
            Some(&coded),
        )?);
        costs[1].push(child::run(worker, &compress, Some(&stream), Some(&coded))?);
        let decompress = own(&["decompress"]);
        costs[2].push(child::run(worker, &decompress, Some(&coded), Some(&again))?);
    }
    if fs::read(&again)? != fs::read(&stream)? {
        return Err(format!("{}: other bytes come back", method.name).into());
    }
    let [unverified, verified, back] = costs.map(middle);
    let frames = run.all();
    Ok(Figures {
        name: method.name.to_owned(),
        keeps: Keeps::Files,
        frames: frames.len(),
        saving: Some(saving(fs::metadata(&coded)?.len(), run.bytes(&frames))),
        unverified: Some(unverified),
        verified: Some(verified),
        out: Some(back),
        note: "",
    })
}

/// Frames from one key to the next.
const KEY_EVERY: usize = 32;

/// One frame out of the run, and what it takes to restore it: of those before the second key the last one,
/// for which all from the first key on are decoded.
pub(crate) fn restore_frame(
    worker: &Path,
    run: &Run,
    scratch: &Path,
    repetitions: usize,
) -> Result<(usize, Cost), Box<dyn Error>> {
    let [stream, coded, again] = ["stream", "coded", "again"].map(|name| scratch.join(name));
    let files: Result<Vec<Vec<u8>>, _> = run.files.iter().map(fs::read).collect();
    fs::write(&stream, files?.concat())?;
    let compress = ["compress".to_owned(), format!("--key-every={KEY_EVERY}")];
    child::run(worker, &compress, Some(&stream), Some(&coded))?;
    let frame = run.files.len().min(KEY_EVERY) - 1;
    let start = run.bytes(&run.all()[..frame]);
    let range = format!("--range={start}..{}", start + run.bytes(&[frame]));
    let restore = ["decompress".to_owned(), range];
    let mut costs = Vec::new();
    for _ in 0..repetitions.max(1) {
        costs.push(child::run(worker, &restore, Some(&coded), Some(&again))?);
    }
    if fs::read(&again)? != fs::read(&run.files[frame])? {
        return Err(format!("other bytes come back of frame {frame}").into());
    }
    Ok((frame, middle(costs)))
}

/// The middle time, and the highest memory.
fn middle(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by(|one, other| one.user.total_cmp(&other.user));
    Cost {
        user: costs[costs.len() / 2].user,
        memory: costs.iter().map(|cost| cost.memory).max().unwrap_or(0),
    }
}

/// In percent of the original.
pub(crate) fn saving(coded: u64, original: u64) -> f64 {
    100.0 - 100.0 * coded as f64 / original as f64
}
