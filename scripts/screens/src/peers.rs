//! The others. They give back pixels, not files, but for `oxipng`, which gives another file.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use crate::child::{self, Cost};
use crate::frames::{Run, difference};
use crate::ours::saving;
use crate::report::{Figures, Keeps};

/// Fewer samples than this must differ from the frame before for the script to store a difference.
const SCRIPT_LIMIT: usize = 100_000;

/// How a peer works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The script's procedure: a difference to the frame before as JPEG XL, or the PNG.
    Script,
    /// Each frame alone.
    Webp,
    JpegXl,
    Oxipng,
    /// A video.
    X264,
    /// A frame of bytes against the one before.
    Zstd,
}

/// One peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    kind: Kind,
    /// What is needed to encode, and to decode.
    programs: [&'static str; 2],
}

pub(crate) const PEERS: [Peer; 6] = [
    Peer {
        name: "differences as JPEG XL, effort 1",
        kind: Kind::Script,
        programs: ["cjxl", "djxl"],
    },
    Peer {
        name: "zstd -19 --patch-from, pixels",
        kind: Kind::Zstd,
        programs: ["zstd", "zstd"],
    },
    Peer {
        name: "x264 rgb lossless, veryslow",
        kind: Kind::X264,
        programs: ["x264", "ffmpeg"],
    },
    Peer {
        name: "cwebp -lossless",
        kind: Kind::Webp,
        programs: ["cwebp", "dwebp"],
    },
    Peer {
        name: "cjxl -e 7",
        kind: Kind::JpegXl,
        programs: ["cjxl", "djxl"],
    },
    Peer {
        name: "oxipng -o 4",
        kind: Kind::Oxipng,
        programs: ["oxipng", "oxipng"],
    },
];

/// What a peer made of some frames.
#[derive(Default)]
struct Totals {
    bytes: u64,
    encode: Cost,
    decode: Option<Cost>,
}

impl Peer {
    /// The frames that it is measured on.
    pub(crate) fn frames(self, run: &Run, stills: usize, prefix: usize) -> Vec<usize> {
        let count = run.files.len();
        match self.kind {
            Kind::Script => run.all(),
            Kind::X264 | Kind::Zstd => (0..count.min(prefix)).collect(),
            Kind::Webp | Kind::JpegXl | Kind::Oxipng => {
                let step = count.div_ceil(stills.max(1));
                (0..count).step_by(step).collect()
            }
        }
    }

    /// Measures it; a peer that is not installed has no figures.
    pub(crate) fn measure(
        self,
        run: &Run,
        frames: &[usize],
        scratch: &Path,
    ) -> Result<Figures, Box<dyn Error>> {
        let keeps = match self.kind {
            Kind::Oxipng => Keeps::OtherFiles,
            _ => Keeps::Pixels,
        };
        let mut figures = Figures {
            name: self.name.to_owned(),
            keeps,
            frames: frames.len(),
            saving: None,
            unverified: None,
            verified: None,
            out: None,
            note: "not installed",
        };
        let Some(encoder) = find(self.programs[0]) else {
            return Ok(figures);
        };
        let tools = Tools {
            run,
            encoder,
            decoder: find(self.programs[1]),
            scratch,
        };
        let result = match self.kind {
            Kind::Script => tools.script(frames)?,
            Kind::Webp | Kind::JpegXl | Kind::Oxipng => tools.stills(self.kind, frames)?,
            Kind::X264 => tools.video(frames)?,
            Kind::Zstd => tools.patches(frames)?,
        };
        figures.saving = Some(saving(result.bytes, run.bytes(frames)));
        figures.unverified = Some(result.encode);
        figures.out = result.decode;
        figures.note = "";
        Ok(figures)
    }
}

/// The path of a program.
fn find(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    let mut paths = env::split_paths(&folders).map(|folder| folder.join(program));
    paths.find(|path| path.is_file())
}

struct Tools<'a> {
    run: &'a Run,
    encoder: PathBuf,
    decoder: Option<PathBuf>,
    scratch: &'a Path,
}

impl Tools<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// Runs a program whose arguments are words, with paths where words are in angle brackets.
    fn call(&self, program: &Path, line: &str) -> Result<Cost, Box<dyn Error>> {
        let arguments = line.split_whitespace().map(|word| {
            let (start, rest) = word.split_once('<').unwrap_or((word, ""));
            match rest.strip_suffix('>') {
                Some(name) => format!("{start}{}", self.path(name).display()),
                None => word.to_owned(),
            }
        });
        let arguments: Vec<String> = arguments.collect();
        Ok(child::run(program, &arguments, None, None)?)
    }

    fn size(&self, name: &str) -> Result<u64, Box<dyn Error>> {
        Ok(fs::metadata(self.path(name))?.len())
    }

    fn expect(&self, name: &str, content: &[u8]) -> Result<(), Box<dyn Error>> {
        match fs::read(self.path(name))? == content {
            true => Ok(()),
            false => Err(format!("{}: other pixels come back", self.encoder.display()).into()),
        }
    }

    fn script(&self, frames: &[usize]) -> Result<Totals, Box<dyn Error>> {
        let mut result = Totals {
            decode: self.decoder.is_some().then(Cost::default),
            ..Totals::default()
        };
        let mut before: Option<Vec<u8>> = None;
        for &frame in frames {
            let pixels = self.run.rgb(frame)?;
            let close = before.and_then(|before| {
                let (count, differences) = difference(&pixels, &before);
                (count < SCRIPT_LIMIT).then_some(differences)
            });
            match close {
                Some(differences) => self.still(Kind::Script, &differences, &mut result)?,
                None => result.bytes += self.run.bytes(&[frame]),
            }
            before = Some(pixels);
        }
        Ok(result)
    }

    fn stills(&self, kind: Kind, frames: &[usize]) -> Result<Totals, Box<dyn Error>> {
        let mut result = Totals {
            decode: self.decoder.is_some().then(Cost::default),
            ..Totals::default()
        };
        for &frame in frames {
            if kind == Kind::Oxipng {
                fs::copy(&self.run.files[frame], self.path("in.png"))?;
                let line = "-o 4 --threads 1 --quiet --out <out.png> <in.png>";
                result.encode.add(self.call(&self.encoder, line)?);
                result.bytes += self.size("out.png")?;
                result.decode = None;
            } else {
                self.still(kind, &self.run.rgb(frame)?, &mut result)?;
            }
        }
        Ok(result)
    }

    /// One image alone.
    fn still(&self, kind: Kind, rgb: &[u8], result: &mut Totals) -> Result<(), Box<dyn Error>> {
        let image = self.run.ppm(rgb);
        fs::write(self.path("in.ppm"), &image)?;
        let (encode, decode) = match kind {
            Kind::Webp => (
                "-lossless -m 4 -quiet <in.ppm> -o <coded>",
                "-quiet -ppm <coded> -o <out.ppm>",
            ),
            Kind::Script => (
                "<in.ppm> <coded> -d 0 -e 1 --num_threads=0 --quiet",
                "<coded> <out.ppm> --num_threads=0 --quiet",
            ),
            _ => (
                "<in.ppm> <coded> -d 0 -e 7 --num_threads=0 --quiet",
                "<coded> <out.ppm> --num_threads=0 --quiet",
            ),
        };
        result.encode.add(self.call(&self.encoder, encode)?);
        result.bytes += self.size("coded")?;
        if let (Some(decoder), Some(total)) = (&self.decoder, &mut result.decode) {
            total.add(self.call(decoder, decode)?);
            self.expect("out.ppm", &image)?;
        }
        Ok(())
    }

    fn video(&self, frames: &[usize]) -> Result<Totals, Box<dyn Error>> {
        let mut pixels = Vec::new();
        for &frame in frames {
            pixels.extend(self.run.rgb(frame)?);
        }
        fs::write(self.path("in.rgb"), &pixels)?;
        let size = format!("{}x{}", self.run.width, self.run.height);
        let line = format!(
            "--demuxer raw --input-csp rgb --input-res {size} --fps 1 --qp 0 --preset veryslow \
             --output-csp rgb --threads 1 --quiet -o <coded.mkv> <in.rgb>"
        );
        let encode = self.call(&self.encoder, &line)?;
        let decode = match &self.decoder {
            None => None,
            Some(decoder) => {
                let line = "-y -v error -threads 1 -i <coded.mkv> -f rawvideo -pix_fmt rgb24 <out>";
                let cost = self.call(decoder, line)?;
                self.expect("out", &pixels)?;
                Some(cost)
            }
        };
        Ok(Totals {
            bytes: self.size("coded.mkv")?,
            encode,
            decode,
        })
    }

    fn patches(&self, frames: &[usize]) -> Result<Totals, Box<dyn Error>> {
        let mut result = Totals::default();
        let mut total = Cost::default();
        for (number, &frame) in frames.iter().enumerate() {
            let pixels = self.run.rgb(frame)?;
            fs::write(self.path("in.rgb"), &pixels)?;
            let against = match number {
                0 => "",
                _ => "--patch-from=<before.rgb>",
            };
            let line = format!("-19 --long=27 -f -q {against} <in.rgb> -o <coded>");
            result.encode.add(self.call(&self.encoder, &line)?);
            result.bytes += self.size("coded")?;
            let line = format!("-d --long=27 -f -q {against} <coded> -o <out>");
            total.add(self.call(&self.encoder, &line)?);
            self.expect("out", &pixels)?;
            fs::rename(self.path("in.rgb"), self.path("before.rgb"))?;
        }
        result.decode = Some(total);
        Ok(result)
    }
}
