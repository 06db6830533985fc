//! Files on disk: written so that no cut leaves a part under a final name, read back, and removed
//! only when that is proven to be safe.

mod digest;
mod pending_file;
mod read_back;
mod removal;
mod snapshot;

pub(crate) use digest::{Digest, HashingReader, HashingWriter, digest_of};
pub(crate) use pending_file::{
    Kept, Overwrite, PendingFile, exists, folder_of, make_folders, take_over,
};
pub(crate) use read_back::{ReadBack, read_back};
pub(crate) use removal::{Removal, put_back, remove_original};
pub(crate) use snapshot::Snapshot;
