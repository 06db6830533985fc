//! What the models of coefficients have learned from, and when that is forgotten.
//!
//! What was learned helps with images of the same origin, and hinders with others: they are better
//! coded by models that start anew, from what is true of most photos. Invariant: forgetting depends
//! on headers and on what was coded, so that both directions forget alike.

use super::frame::{Frame, Tables};

/// What tells images whose coefficients are alike from others: the sampling factors and quantiser
/// steps of each component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin(Vec<(u8, u8, Option<[u16; 64]>)>);

impl Origin {
    /// Of an image with these headers.
    pub(super) fn new(frame: &Frame, tables: &Tables) -> Self {
        let components = frame.components.iter().map(|component| {
            let steps = tables.quantizers[usize::from(component.quantization_table & 3)];
            (component.horizontal, component.vertical, steps)
        });
        Self(components.collect())
    }
}

/// MCUs that models may have learned from without forgetting them: thumbnails have fewer, and
/// would have models made anew for nothing.
const NEGLIGIBLE: u64 = 512;

/// What models have learned from since they were new.
#[derive(Debug, Default)]
pub(super) struct Experience {
    /// Of the last image.
    origin: Option<Origin>,
    mcus: u64,
}

impl Experience {
    /// Takes note that an image begins; whether the models are to start anew.
    pub(super) fn begin_image(&mut self, origin: Origin) -> bool {
        let is_alike = self.origin.as_ref() == Some(&origin);
        self.origin = Some(origin);
        let forgets = !is_alike && self.mcus > NEGLIGIBLE;
        if forgets {
            self.mcus = 0;
        }
        forgets
    }

    /// Takes note that so many MCUs were coded.
    pub(super) fn add(&mut self, mcus: u32) {
        self.mcus += u64::from(mcus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(step: u16) -> Origin {
        Origin(vec![(2, 2, Some([step; 64])), (1, 1, None)])
    }

    #[test]
    fn an_image_of_another_origin_finds_models_new() {
        let mut experience = Experience::default();
        assert!(!experience.begin_image(origin(1)));
        experience.add(NEGLIGIBLE as u32 + 1);
        assert!(!experience.begin_image(origin(1)));
        assert!(experience.begin_image(origin(2)));
        assert!(!experience.begin_image(origin(3)), "nothing was learned");
    }

    #[test]
    fn a_thumbnail_is_not_forgotten() {
        let mut experience = Experience::default();
        assert!(!experience.begin_image(origin(1)));
        experience.add(NEGLIGIBLE as u32);
        assert!(!experience.begin_image(origin(2)));
        experience.add(1);
        assert!(experience.begin_image(origin(1)));
    }
}
