//! The file that a command writes its own metrics to. `$PROMPUSH_TEXTFILE` names it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process;

use crate::args::{BodyArgs, FormatArg};
use crate::body::input::{self, Input};
use crate::error::CliError;

/// Limit to the size of the file: 64 MiB, which is also the limit to the body of a push.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// The folder for the file if the folder for temporary files cannot be written to.
const MEMORY_FOLDER: &str = "/dev/shm";
/// Limit to the number of names that are tried for the folder of one run.
const ATTEMPTS_MAX: u32 = 16;

/// The file that the command writes to.
#[derive(Debug)]
pub(crate) struct Textfile {
    path: PathBuf,
    /// The folder of the file, if it was made for this run. It is removed at the end, with its content.
    folder: Option<PathBuf>,
    /// The version of the file before the command started.
    version_before: Option<FileVersion>,
}

/// A version of a file. Writing or replacing the file changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileVersion {
    inode: u64,
    bytes: u64,
    modified_seconds: i64,
    modified_nanoseconds: i64,
}

impl Textfile {
    /// Chooses the file: `path`, or a file in a new folder that no other user can read.
    ///
    /// Returns `None` if no folder can be made. The command then runs without `$PROMPUSH_TEXTFILE`.
    pub(crate) fn prepare(path: Option<&Path>) -> Option<Self> {
        if let Some(path) = path {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let version_before = file_version(&path);
            return Some(Self { path, folder: None, version_before });
        }
        let parents = [std::env::temp_dir(), PathBuf::from(MEMORY_FOLDER)];
        let folder = parents.iter().find_map(|parent| make_folder(parent))?;
        Some(Self { path: folder.join("metrics.prom"), folder: Some(folder), version_before: None })
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The metrics that the command has written. Empty if it has not written the file.
    ///
    /// # Errors
    /// [`CliError`] if the file cannot be read or is not text.
    pub(crate) fn read(&self) -> Result<Vec<Input>, CliError> {
        // An unchanged file holds the metrics of an earlier run.
        if file_version(&self.path).is_none_or(|version| Some(version) == self.version_before) {
            return Ok(Vec::new());
        }
        input::read(&BodyArgs {
            files: vec![self.path.to_string_lossy().into_owned()],
            format: FormatArg::Auto,
            input_bytes_max: BYTES_MAX,
        })
    }
}

impl Drop for Textfile {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            fs::remove_dir_all(folder).ok(); // the command may have removed it
        }
    }
}

/// The version of a file. `None` if it is missing or is no regular file: reading a pipe would wait for a writer.
fn file_version(path: &Path) -> Option<FileVersion> {
    let found = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some(FileVersion {
        inode: found.ino(),
        bytes: found.size(),
        modified_seconds: found.mtime(),
        modified_nanoseconds: found.mtime_nsec(),
    })
}

fn make_folder(parent: &Path) -> Option<PathBuf> {
    let id = process::id();
    (0..ATTEMPTS_MAX).map(|attempt| parent.join(format!("prompush-run.{id}.{attempt}"))).find(
        // This fails if the name is taken.
        |folder| DirBuilder::new().mode(0o700).create(folder).is_ok(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_its_own_goes_with_it() {
        let textfile = Textfile::prepare(None).unwrap();
        let folder = textfile.path().parent().unwrap().to_owned();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        assert!(textfile.read().unwrap().is_empty());
        fs::write(textfile.path(), "rows 7\n").unwrap();
        assert_eq!(textfile.read().unwrap()[0].body.bytes(), b"rows 7\n");
        drop(textfile);
        assert!(!folder.exists());
    }

    #[test]
    fn only_what_was_written_since_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.prom");
        fs::write(&path, "rows 1\n").unwrap();
        let textfile = Textfile::prepare(Some(&path)).unwrap();
        assert!(textfile.read().unwrap().is_empty());
        fs::write(&path, "rows 22\n").unwrap();
        assert_eq!(textfile.read().unwrap()[0].body.bytes(), b"rows 22\n");
        drop(textfile);
        assert!(path.exists());
    }
}
