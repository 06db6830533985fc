//! Giving restored files and folders their attributes.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use rustix::fs::{
    AtFlags, Gid, Timespec, Timestamps, UTIME_OMIT, Uid, fchown, futimens, utimensat,
};
use xattr::FileExt;

use super::entry::Attributes;
use super::tree::Place;

fn timestamps(attributes: &Attributes) -> Timestamps {
    let (seconds, nanoseconds) = attributes.modified;
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: seconds,
            tv_nsec: nanoseconds,
        },
    }
}

/// Sets the time of modification alone.
///
/// # Errors
/// If the system refuses.
pub(crate) fn set_times(file: &File, attributes: &Attributes) -> io::Result<()> {
    Ok(futimens(file, &timestamps(attributes))?)
}

/// Sets the time of modification of a symbolic link.
///
/// # Errors
/// If the system refuses.
pub(crate) fn set_link_times(place: &Place, attributes: &Attributes) -> io::Result<()> {
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    Ok(utimensat(
        &place.folder,
        &place.name,
        &timestamps(attributes),
        flags,
    )?)
}

/// Sets owner, extended attributes, mode and time. The owner is set where this process may.
///
/// # Errors
/// If the system refuses anything else.
pub(crate) fn set_all(file: &File, attributes: &Attributes) -> io::Result<()> {
    let owner = (
        Uid::from_raw(attributes.user),
        Gid::from_raw(attributes.group),
    );
    // Only a privileged user may give files away; then they are the restoring user's.
    let _ = fchown(file, Some(owner.0), Some(owner.1));
    for (name, value) in &attributes.extended {
        let name = name.to_vec();
        let set = file.set_xattr(std::ffi::OsStr::from_bytes(&name), &value.to_vec());
        if name.starts_with(b"user.") {
            set?;
        }
        // Others belong to the system; only a privileged user may set them.
    }
    file.set_permissions(Permissions::from_mode(attributes.mode))?;
    set_times(file, attributes)
}
