//! The memory of the process: two arenas in one reserved region, and the global allocator over them.
//!
//! Invariant: all allocations lie in the region, which is mapped once, at the first allocation, and
//! faulted in page by page as heaps grow into it. No heap grows past its limit: at the limit the
//! process leaves with [`crate::status::MEMORY`], as stable Rust would otherwise abort, by calls
//! that the jail forbids. Nothing is ever given back to the system.
//!
//! Each of the two threads of a worker allocates from an arena of its own, so that what one does
//! never decides whether the other still has memory: the same input meets the limit at the same
//! place on every run. A value that changes hands is given back to the arena that it came from,
//! which is why an arena has a lock at all. It spins, since the jail forbids `futex`, and it is
//! contended only by such hand-overs.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use talc::DefaultBinning;
use talc::base::binning::Binning;
use talc::base::{CHUNK_UNIT, Talc};
use talc::lock_api;
use talc::source::Source;

use crate::last_words::leave_with_words;
use crate::status;

/// Address space of one arena, in bytes, unless the allocator was made with another: the most that
/// [`set_limit`] can allow.
pub const RESERVATION: usize = 64 << 20;

/// A heap grows in multiples of this many bytes, so that what it spans follows what it needs.
const GROWTH: usize = 64 << 10;

/// Which of the arenas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Arena {
    /// That of the main thread, and of all threads that [`crate::Jail::spawn`] did not start.
    Main = 0,
    /// That of threads which [`crate::Jail::spawn`] started.
    Second = 1,
}

/// Lowers the most bytes that the arena may span, its own records included; at most what is reserved,
/// which is the limit until then. What is allocated already stays, even beyond the new limit.
pub fn set_limit(arena: Arena, bytes: usize) {
    heap(arena).talc.source.limit = bytes;
}

/// Bytes that are allocated in the arena now, as asked for.
pub fn used_bytes(arena: Arena) -> usize {
    heap(arena).used
}

/// Most bytes that the arena has spanned: an upper bound of what it has contributed to the peak of
/// resident memory. A multiple of 64 KiB, except at the limit.
pub fn peak_bytes(arena: Arena) -> usize {
    heap(arena).talc.source.spanned()
}

/// Makes allocations of the calling thread come from `arena` from now on.
pub(crate) fn use_in_this_thread(arena: Arena) {
    CURRENT.set(arena);
}

/// The global allocator of a process, which has one.
#[derive(Debug)]
pub struct ArenaAllocator {
    reservation: usize,
}

impl Default for ArenaAllocator {
    fn default() -> Self {
        Self::new()
    }
}

impl ArenaAllocator {
    /// The allocator, for a `static`.
    pub const fn new() -> Self {
        Self::with_reservation(RESERVATION)
    }

    /// The same with so many bytes of addresses for each arena.
    pub const fn with_reservation(reservation: usize) -> Self {
        Self { reservation }
    }
}

thread_local! {
    // Neither has a destructor or a lazy initial value, so that using them calls nothing.
    static CURRENT: Cell<Arena> = const { Cell::new(Arena::Main) };
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Held while a thread is in the allocator. A panic in there would allocate, and spin for ever on
/// the lock that its own thread holds.
struct Inside;

impl Inside {
    fn enter() -> Self {
        if INSIDE.replace(true) {
            leave_with_words(
                status::INTERNAL,
                format_args!("internal error: the allocator has failed"),
            );
        }
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

// SAFETY: the blocks come from `Talc`, which upholds the contract of `GlobalAlloc`, under a lock; a
// block is given back to the arena in whose part of the region it lies, which is the one it came
// from. It never unwinds: failing leaves the process.
unsafe impl GlobalAlloc for ArenaAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _inside = Inside::enter();
        if REGION.load(Ordering::Acquire).is_null() {
            // All that come here first store the same.
            RESERVED.store(self.reservation, Ordering::Relaxed);
        }
        let mut heap = heap(CURRENT.get());
        // SAFETY: the caller vouches for a size above 0.
        match unsafe { heap.talc.allocate(layout) } {
            Some(block) => {
                heap.used += layout.size();
                block.as_ptr()
            }
            None => exhausted(&heap, layout.size()),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let _inside = Inside::enter();
        let mut heap = heap(owner(block));
        heap.used -= layout.size();
        // SAFETY: the caller vouches that the block was allocated here with this layout, and its
        // address says in which arena.
        unsafe { heap.talc.deallocate(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        {
            let _inside = Inside::enter();
            let mut heap = heap(owner(block));
            // SAFETY: as for `dealloc`; the caller vouches for a new size above 0.
            if unsafe { heap.talc.try_realloc_in_place(block, layout, new_size) } {
                heap.used = heap.used - layout.size() + new_size;
                return block;
            }
        }
        // SAFETY: the caller vouches that the new size fits a layout; the new block does not overlap
        // the old one, which is still allocated, and both hold what is copied.
        unsafe {
            let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
            let new_block = self.alloc(new_layout);
            ptr::copy_nonoverlapping(block, new_block, layout.size().min(new_size));
            self.dealloc(block, layout);
            new_block
        }
    }
}

/// Ends the process. The arena stays locked, so that the other thread cannot go on with it.
fn exhausted(heap: &Heap, size: usize) -> ! {
    leave_with_words(
        status::MEMORY,
        format_args!(
            "out of memory: {size} bytes more are needed, {} of at most {} are in use",
            heap.used,
            heap.talc.source.limit()
        ),
    )
}

/// One arena's allocator and its account.
struct Heap {
    talc: Talc<Growth, DefaultBinning>,
    /// Bytes allocated, as asked for.
    used: usize,
}

type Lock = lock_api::Mutex<SpinLock, Heap>;

static HEAPS: [Lock; 2] = [const {
    Lock::new(Heap {
        talc: Talc::new(Growth::new()),
        used: 0,
    })
}; 2];

/// The arena, locked, with its part of the region known to it.
fn heap(arena: Arena) -> lock_api::MutexGuard<'static, SpinLock, Heap> {
    let start = region().wrapping_add(arena as usize * reserved());
    let mut heap = HEAPS[arena as usize].lock();
    heap.talc.source.start = start;
    heap
}

/// The arena in whose part of the region an allocated block lies.
fn owner(block: *mut u8) -> Arena {
    if block.addr() - region().addr() < reserved() {
        Arena::Main
    } else {
        Arena::Second
    }
}

/// Bytes of addresses of one arena.
static RESERVED: AtomicUsize = AtomicUsize::new(RESERVATION);

fn reserved() -> usize {
    RESERVED.load(Ordering::Relaxed)
}

static REGION: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// The start of the region, which has as many bytes of addresses for each arena.
fn region() -> *mut u8 {
    let region = REGION.load(Ordering::Acquire);
    if region.is_null() { reserve() } else { region }
}

/// Maps the region. If two threads are first, one mapping is given up: it costs address space only.
#[cold]
fn reserve() -> *mut u8 {
    let length = HEAPS.len() * reserved();
    // SAFETY: a new private mapping, at an address of the kernel's choice, touches nothing else.
    let mapped = unsafe {
        libc::mmap(
            ptr::null_mut(),
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if mapped == libc::MAP_FAILED {
        leave_with_words(
            status::MEMORY,
            format_args!("out of memory: {length} bytes of addresses cannot be reserved"),
        );
    }
    // A huge page would make one touched byte cost 2 MiB. The kernel may not know the advice, and
    // then has no huge pages either.
    // SAFETY: the advice is for exactly the mapping made above and does not change its contents.
    unsafe { libc::madvise(mapped, length, libc::MADV_NOHUGEPAGE) };
    let mapped = mapped.cast::<u8>();
    match REGION.compare_exchange(ptr::null_mut(), mapped, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => mapped,
        Err(first) => first,
    }
}

/// Lets a heap grow into its part of the region.
#[derive(Debug)]
struct Growth {
    /// The first byte of the arena's part; null before the arena is first used.
    start: *mut u8,
    /// One past the heap's last byte, if there is a heap.
    end: Option<NonNull<u8>>,
    /// Most bytes from `start` that the heap may span, if that is less than what is reserved.
    limit: usize,
}

// SAFETY: the pointers are to memory that belongs to the arena alone, whichever thread holds it.
unsafe impl Send for Growth {}

impl Growth {
    const fn new() -> Self {
        Self {
            start: ptr::null_mut(),
            end: None,
            limit: usize::MAX,
        }
    }

    /// Most bytes that the heap may span.
    fn limit(&self) -> usize {
        self.limit.min(reserved())
    }

    /// Bytes from the start to the heap's end.
    fn spanned(&self) -> usize {
        self.end
            .map_or(0, |end| end.as_ptr().addr() - self.start.addr())
    }

    /// How many bytes the heap should span to serve `layout`; `None` at the limit.
    fn next_span(&self, layout: Layout) -> Option<usize> {
        let first = if self.end.is_none() {
            talc::min_first_heap_size::<DefaultBinning>()
        } else {
            0
        };
        let need = layout
            .size()
            .checked_add(layout.align())?
            .checked_add(2 * CHUNK_UNIT + first)?;
        let wanted = self
            .spanned()
            .checked_add(need)?
            .checked_next_multiple_of(GROWTH)?
            .min(self.limit());
        // Less than a chunk is not taken, so that it would not be progress.
        (wanted >= self.spanned() + CHUNK_UNIT).then_some(wanted)
    }
}

// SAFETY: it uses no allocator but the one it is given, and it makes progress whenever it says `Ok`.
unsafe impl Source for Growth {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let span = talc.source.next_span(layout).ok_or(())?;
        let start = talc.source.start;
        let new_end = start.wrapping_add(span);
        talc.source.end = match talc.source.end {
            // SAFETY: `end` is what the last `claim` or `extend` returned; what lies between it and
            // `new_end` is in this arena's part of the region (span ≤ limit ≤ what is reserved), mapped
            // for ever, and nobody else's.
            Some(end) => Some(unsafe { talc.extend(end, new_end) }),
            // SAFETY: the same for the part from its start.
            None => Some(unsafe { talc.claim(start, span) }.ok_or(())?),
        };
        Ok(())
    }
}

/// A lock that is waited for by trying again.
struct SpinLock(AtomicBool);

// SAFETY: `lock` returns only after it has changed the flag from false to true, so that there is one
// holder at most; acquire and release order what the holders do.
unsafe impl lock_api::RawMutex for SpinLock {
    // The constant is the initial value that every lock is made from.
    #[allow(clippy::declare_interior_mutable_const)]
    const INIT: Self = Self(AtomicBool::new(false));

    type GuardMarker = lock_api::GuardNoSend;

    fn lock(&self) {
        while !self.try_lock() {
            std::hint::spin_loop();
        }
    }

    fn try_lock(&self) -> bool {
        self.0
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    unsafe fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: ArenaAllocator = ArenaAllocator::new();

    #[test]
    fn blocks_are_aligned_and_keep_their_bytes_as_they_grow() {
        for align in [1, 8, 64, 4096] {
            let layout = Layout::from_size_align(100, align).expect("a layout");
            // SAFETY: the size is above 0, and the block is used within its size and given back with
            // the layout it has then.
            unsafe {
                let block = ALLOCATOR.alloc(layout);
                assert_eq!(block.addr() % align, 0);
                block.write_bytes(0x5A, 100);
                let block = ALLOCATOR.realloc(block, layout, 300_000);
                assert_eq!(block.addr() % align, 0);
                assert!((0..100).all(|at| block.add(at).read() == 0x5A));
                let grown = Layout::from_size_align(300_000, align).expect("a layout");
                ALLOCATOR.dealloc(block, grown);
            }
        }
    }

    #[test]
    fn a_thread_has_the_arena_it_chose_and_blocks_return_to_where_they_came_from() {
        let block = std::thread::spawn(|| {
            use_in_this_thread(Arena::Second);
            let before = used_bytes(Arena::Second);
            let block = vec![1_u8; 1 << 20];
            assert_eq!(used_bytes(Arena::Second), before + (1 << 20));
            use_in_this_thread(Arena::Main);
            block
        })
        .join()
        .expect("no panic");
        assert!(peak_bytes(Arena::Second) >= 1 << 20);
        let before = used_bytes(Arena::Second);
        drop(block);
        assert_eq!(used_bytes(Arena::Second), before - (1 << 20));
    }

    #[test]
    fn a_heap_spans_what_it_needs_and_never_more_than_its_limit() {
        let layout = |size| Layout::from_size_align(size, 16).expect("a layout");
        let mut growth = Growth::new();
        growth.limit = 10 * GROWTH;
        assert_eq!(growth.next_span(layout(1)), Some(GROWTH));
        assert_eq!(growth.next_span(layout(GROWTH)), Some(2 * GROWTH));
        assert_eq!(growth.next_span(layout(usize::MAX / 4)), Some(10 * GROWTH));
        growth.limit = 0;
        assert_eq!(growth.next_span(layout(1)), None);
    }
}
