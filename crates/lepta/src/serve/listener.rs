//! Where connections come from: a Unix socket, TCP, or sockets that the service manager has opened.
//!
//! Invariant: a Unix socket has its mode from the moment on at which it has its name.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};

use lepta_worker::status::Status;
use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::either::Either;

use crate::problem::Problem;

/// Owner and group may connect.
const SOCKET_MODE: u32 = 0o660;

/// Something that connections come from.
#[derive(Debug)]
pub(crate) enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A connection.
pub(crate) type Stream = Either<UnixStream, TcpStream>;

/// A socket's name in the file system, removed when dropped if it is still this one's.
#[derive(Debug)]
pub(crate) struct SocketName {
    path: PathBuf,
    /// Device and number of the file.
    identity: (u64, u64),
}

impl Drop for SocketName {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            // What cannot be removed is replaced by the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

impl Listener {
    /// The next connection.
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Unix(listener) => listener
                .accept()
                .await
                .map(|(stream, _)| Either::Left(stream)),
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Either::Right(stream))
            }
        }
    }

    /// Listens on TCP.
    pub(crate) async fn tcp(address: SocketAddr) -> Result<Self, Problem> {
        let bound = TcpListener::bind(address).await;
        bound
            .map(Self::Tcp)
            .map_err(|error| cannot(&error, address.to_string()))
    }

    /// Listens on a Unix socket, in the place of one that nobody listens on any more.
    pub(crate) fn unix(path: &Path) -> Result<(Self, SocketName), Problem> {
        if StdUnixStream::connect(path).is_ok() {
            let what = "another process listens on this socket";
            return Err(Problem::new(Status::Other, what).at(path));
        }
        bind(path).map_err(|error| cannot(&error, path))
    }

    /// The sockets that the service manager has opened for this process.
    pub(crate) fn inherited() -> Result<Vec<Self>, Problem> {
        let mut given = ListenFd::from_env();
        (0..given.len())
            .filter_map(|index| take(&mut given, index).transpose())
            .collect::<io::Result<_>>()
            .map_err(|error| cannot(&error, "a socket of the service manager"))
    }

    /// What it is, for the log.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Unix(_) => "a Unix socket".to_owned(),
            Self::Tcp(listener) => {
                let address = listener.local_addr();
                address.map_or("TCP".to_owned(), |address| address.to_string())
            }
        }
    }
}

fn cannot(error: &io::Error, place: impl AsRef<Path>) -> Problem {
    Problem::new(Status::Other, format!("cannot listen: {error}")).at(place)
}

/// Binds under another name first, so that nobody connects before the mode is set.
fn bind(path: &Path) -> io::Result<(Listener, SocketName)> {
    let mut first_name = path.as_os_str().to_owned();
    first_name.push(format!(".{}", std::process::id()));
    let first_name = PathBuf::from(first_name);
    let listener = StdUnixListener::bind(&first_name)?;
    let named = fs::set_permissions(&first_name, fs::Permissions::from_mode(SOCKET_MODE))
        .and_then(|()| identity(&first_name))
        .and_then(|identity| fs::rename(&first_name, path).map(|()| identity));
    let identity = named.inspect_err(|_| {
        let _ = fs::remove_file(&first_name);
    })?;
    listener.set_nonblocking(true)?;
    let name = SocketName {
        path: path.to_owned(),
        identity,
    };
    Ok((Listener::Unix(UnixListener::from_std(listener)?), name))
}

fn take(given: &mut ListenFd, index: usize) -> io::Result<Option<Listener>> {
    if let Ok(Some(listener)) = given.take_unix_listener(index) {
        listener.set_nonblocking(true)?;
        return UnixListener::from_std(listener).map(|listener| Some(Listener::Unix(listener)));
    }
    let Some(listener) = given.take_tcp_listener(index)? else {
        return Ok(None);
    };
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(|listener| Some(Listener::Tcp(listener)))
}
