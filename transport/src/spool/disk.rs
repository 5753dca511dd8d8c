//! The file operations that change a spool, one by one, so that tests can simulate a crash between two
//! of them.

use std::fmt::Debug;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// The operations that change files. Reading needs no such seam, because it breaks nothing.
pub(crate) trait Disk: Debug + Send + Sync {
    /// Creates a directory and its parents, accessible to the owner only. The directory may exist.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Creates a new file, accessible to the owner only.
    fn create_file(&self, path: &Path) -> io::Result<File>;
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()>;
    /// Waits until the content of the file is on disk.
    fn sync_file(&self, file: &File) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Waits until the entries of the directory are on disk.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// The machine's file system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemDisk;

impl Disk for SystemDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(dir)
    }

    fn create_file(&self, path: &Path) -> io::Result<File> {
        open_options().create_new(true).open(path)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn sync_file(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // On other systems a directory cannot be opened, and a renaming is on disk when it returns.
        if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
    }
}

/// The options to write a file that only its owner can access.
pub(crate) fn open_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
