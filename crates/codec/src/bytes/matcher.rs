//! Predicts the byte that followed the last time the same bytes came by.
//!
//! Invariant: the history always holds the last 65536 bytes (zeros before the first), and every
//! place is a place in it, so that any state of the tables is a legal one.

use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;

/// Bytes remembered: as many as a `u16` can tell apart.
const HISTORY: usize = 1 << 16;

/// Places remembered.
const PLACES: usize = 1 << 13;

/// Bytes that must agree before a place is followed.
const LEAST: u32 = 4;

/// Bytes that must agree before what follows is expected.
const TRUSTED: u32 = 5;

/// Bytes of agreement after which no better place is looked for.
const SURE: u32 = 16;

/// Agreement is counted up to this.
const LONGEST: u32 = 31;

/// Number of failed expectations among the last eight at which a place is given up.
const TOLERATED: u32 = 8;

/// Bytes that are expected at one stroke where agreement is longest.
pub(super) const STRETCH: usize = 16;

/// Of skipped bytes, every place of this many is remembered.
const SKIPPED_PLACES: usize = 4;

/// How slowly, in units of 1/65536, trust moves at least.
const SLOWEST_TRUST: u32 = 1000;

/// The match model.
#[derive(Debug)]
pub(super) struct Matcher {
    history: Box<[u8]>,
    /// By hash of the last four bytes: the place behind them when they came last.
    places: Box<[u16]>,
    /// The place of the next byte.
    position: u16,
    /// The place of the byte that may follow.
    source: u16,
    /// Whether there is such a place.
    follows: bool,
    /// Bytes before the two places that agree, as far as is known.
    length: u32,
    /// Which of the last eight bytes differed from those at the place, the latest lowest.
    misses: u8,
    /// By agreement and by which of the last two bytes differed: how likely the byte is the same.
    trusts: [[Slot; 4]; LONGEST as usize + 1],
    /// How likely a whole stretch is the same.
    stretch_trust: Slot,
}

impl Matcher {
    pub(super) fn new() -> Self {
        Self {
            history: vec![0; HISTORY].into_boxed_slice(),
            places: vec![0; PLACES].into_boxed_slice(),
            position: 0,
            source: 0,
            follows: false,
            length: 0,
            misses: 0,
            trusts: [[Slot::EVEN; 4]; LONGEST as usize + 1],
            stretch_trust: Slot::EVEN,
        }
    }

    pub(super) fn reset(&mut self) {
        self.history.fill(0);
        self.places.fill(0);
        self.position = 0;
        self.source = 0;
        self.follows = false;
        self.length = 0;
        self.misses = 0;
        self.trusts = [[Slot::EVEN; 4]; LONGEST as usize + 1];
        self.stretch_trust = Slot::EVEN;
    }

    /// Codes whether the next byte is the expected one, if one is: the byte, if so.
    #[inline(always)]
    pub(super) fn code<C: Coder>(&mut self, coder: &mut C, byte: u8) -> Option<u8> {
        if !self.follows || self.length < TRUSTED {
            return None;
        }
        let expected = self.history[usize::from(self.source)];
        let trust = &mut self.trusts[self.length as usize][usize::from(self.misses & 3)];
        trust
            .code(coder, byte == expected, SLOWEST_TRUST)
            .then_some(expected)
    }

    /// Whether the next [`STRETCH`] bytes are expected at one stroke.
    #[inline(always)]
    pub(super) fn expects_stretch(&self) -> bool {
        self.follows && self.length == LONGEST && self.misses == 0
    }

    /// Codes whether all bytes of the next stretch are the expected ones: those, if so. They are
    /// then part of the history. If not, the bytes are to be coded one by one.
    #[inline(always)]
    pub(super) fn code_stretch<C: Coder>(
        &mut self,
        coder: &mut C,
        stretch: &[u8; STRETCH],
    ) -> Option<[u8; STRETCH]> {
        let expected = self.next_stretch();
        let trust = &mut self.stretch_trust;
        if !trust.code(coder, *stretch == expected, SLOWEST_TRUST) {
            // So that none is expected again in front of the difference.
            self.length = SURE;
            return None;
        }
        self.append(&expected);
        self.source = self.source.wrapping_add(STRETCH as u16);
        let [.., a, b, c, d] = expected;
        self.places[key(u32::from_be_bytes([a, b, c, d]))] = self.position;
        Some(expected)
    }

    /// The bytes from the place that is followed on, those not yet there repeated.
    #[inline(always)]
    fn next_stretch(&self) -> [u8; STRETCH] {
        let source = usize::from(self.source);
        let distance = usize::from(self.position.wrapping_sub(self.source));
        match self.history[source..].first_chunk() {
            Some(bytes) if distance >= STRETCH => *bytes,
            _ => repeated(&self.history, source, distance),
        }
    }

    #[inline(always)]
    fn append(&mut self, bytes: &[u8; STRETCH]) {
        match self.history[usize::from(self.position)..].first_chunk_mut() {
            Some(place) => *place = *bytes,
            None => write_around_the_end(&mut self.history, usize::from(self.position), bytes),
        }
        self.position = self.position.wrapping_add(STRETCH as u16);
    }

    /// Appends bytes that nothing was expected of, and follows no place any more.
    pub(super) fn skip(&mut self, bytes: &[u8]) {
        self.follows = false;
        self.length = 0;
        self.misses = 0;
        let mut last = 0u32;
        for (index, &byte) in bytes.iter().enumerate() {
            self.history[usize::from(self.position)] = byte;
            self.position = self.position.wrapping_add(1);
            last = last << 8 | u32::from(byte);
            if index % SKIPPED_PLACES == SKIPPED_PLACES - 1 {
                self.places[key(last)] = self.position;
            }
        }
    }

    /// Appends a byte to the history; `recent` are the last sixteen, this one lowest.
    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8, recent: u128) {
        self.history[usize::from(self.position)] = byte;
        self.position = self.position.wrapping_add(1);
        if self.follows {
            let missed = self.history[usize::from(self.source)] != byte;
            self.length = if missed {
                0
            } else {
                (self.length + 1).min(LONGEST)
            };
            self.misses = self.misses << 1 | u8::from(missed);
            self.source = self.source.wrapping_add(1);
        }
        let key = key(recent as u32);
        if self.length < SURE {
            self.look_for_better(self.places[key], recent);
        }
        self.places[key] = self.position;
        self.follows = self.source != self.position && self.misses.count_ones() < TOLERATED;
    }

    /// Follows `candidate` if more bytes agree there than at the present place.
    #[inline(always)]
    fn look_for_better(&mut self, candidate: u16, recent: u128) {
        let agreement = self.agreement(candidate, recent);
        if candidate != self.position && agreement >= LEAST && agreement > self.length {
            self.length = agreement;
            self.source = candidate;
            self.misses = 0;
        }
    }

    /// How many of the recent bytes, up to [`SURE`], stand before `candidate` too.
    #[inline(always)]
    fn agreement(&self, candidate: u16, recent: u128) -> u32 {
        let end = usize::from(candidate);
        let there = match self.history[..end].last_chunk() {
            Some(bytes) => u128::from_be_bytes(*bytes),
            None => around_the_end(&self.history, end),
        };
        (there ^ recent).trailing_zeros() / 8
    }
}

/// The place of four bytes among the places remembered.
#[inline(always)]
fn key(bytes: u32) -> usize {
    (bytes.wrapping_mul(0x9E37_79B1) >> 19) as usize
}

/// A stretch from `source` on, across the history's end, or of which but `distance` bytes are there.
#[cold]
fn repeated(history: &[u8], source: usize, distance: usize) -> [u8; STRETCH] {
    let mut bytes = [0; STRETCH];
    for index in 0..STRETCH {
        bytes[index] = match index.checked_sub(distance) {
            Some(before) => bytes[before],
            None => history[(source + index) % HISTORY],
        };
    }
    bytes
}

#[cold]
fn write_around_the_end(history: &mut [u8], place: usize, bytes: &[u8; STRETCH]) {
    for (index, &byte) in bytes.iter().enumerate() {
        history[(place + index) % HISTORY] = byte;
    }
}

/// The sixteen bytes before a place so near to the start that some are at the history's end.
#[cold]
fn around_the_end(history: &[u8], place: usize) -> u128 {
    let (before, rest) = (&history[..place], &history[history.len() - 16..]);
    let bytes = rest[place..].iter().chain(before);
    bytes.fold(0, |there, &byte| there << 8 | u128::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::RangeEncoder;

    /// Bytes of `text` that were expected, and that differed from the expected one.
    fn follow(text: &[u8]) -> (usize, usize) {
        let mut room = vec![0; text.len()];
        let mut coder = RangeEncoder::new(&mut room);
        let mut matcher = Matcher::new();
        let (mut right, mut wrong, mut recent) = (0, 0, 0u128);
        for &byte in text {
            let trusted = matcher.follows && matcher.length >= TRUSTED;
            match matcher.code(&mut coder, byte) {
                Some(expected) => {
                    assert_eq!(expected, byte);
                    right += 1;
                }
                None => wrong += usize::from(trusted),
            }
            recent = recent << 8 | u128::from(byte);
            matcher.push(byte, recent);
        }
        (right, wrong)
    }

    #[test]
    fn a_repetition_is_expected_across_the_end_of_the_history() {
        let text: Vec<u8> = (0..100_000u32)
            .map(|i| ((i % 1000 * 7919) >> 5) as u8)
            .collect();
        let (right, wrong) = follow(&text);
        assert!(right > 90_000, "{right} right, {wrong} wrong");
        assert!(wrong < 2_000, "{wrong} wrong");
    }

    #[test]
    fn one_difference_does_not_end_a_repetition() {
        let mut text: Vec<u8> = (0..2000u32)
            .map(|i| ((i % 1000 * 7919) >> 5) as u8)
            .collect();
        text[1500] ^= 0x55;
        let (right, wrong) = follow(&text);
        assert!(right > 950 && wrong < 100, "{right} right, {wrong} wrong");
    }
}
