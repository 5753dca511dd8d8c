//! The metrics that a command writes itself, to the file that `$PROMPUSH_TEXTFILE` names.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process;

use crate::args::{BodyArgs, FormatArg};
use crate::body::input::{self, Input};
use crate::error::CliError;

/// Most bytes that are read of it: 64 MiB, as much as a push takes.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Where a file for one run can be: also where the place for temporary files cannot be written to.
const MEMORY_FOLDER: &str = "/dev/shm";
/// Names that are tried for it.
const ATTEMPTS_MAX: u32 = 16;

/// The file for the command's own metrics.
#[derive(Debug)]
pub(crate) struct Textfile {
    path: PathBuf,
    /// A folder for this run alone, removed with all that is in it.
    folder: Option<PathBuf>,
    /// What was there before the command.
    before: Option<Stamp>,
}

/// What changes when a file is written or replaced: inode, size, time of change in seconds and nanoseconds.
type Stamp = (u64, u64, i64, i64);

impl Textfile {
    /// The file that is given, or one in a new folder that nobody else can read. `None` where none can be made; then
    /// the command has none.
    pub(crate) fn prepare(given: Option<&Path>) -> Option<Self> {
        if let Some(path) = given {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let before = stamp(&path);
            return Some(Self { path, folder: None, before });
        }
        let places = [std::env::temp_dir(), PathBuf::from(MEMORY_FOLDER)];
        let folder = places.iter().find_map(|place| make_folder(place))?;
        Some(Self { path: folder.join("metrics.prom"), folder: Some(folder), before: None })
    }

    /// Where the command writes to.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the command has written; nothing if it has not.
    ///
    /// # Errors
    /// If there is something and it cannot be read, or is no text.
    pub(crate) fn read(&self) -> Result<Vec<Input>, CliError> {
        // What a run of long ago has left in a file of the user's is not of this run.
        if stamp(&self.path).is_none_or(|stamp| Some(stamp) == self.before) {
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
            fs::remove_dir_all(folder).ok(); // the command may have removed it itself
        }
    }
}

/// `None` if there is no such file, or it is none: reading a pipe would wait for a writer.
fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
}

fn make_folder(place: &Path) -> Option<PathBuf> {
    let id = process::id();
    (0..ATTEMPTS_MAX).map(|attempt| place.join(format!("prompush-run.{id}.{attempt}"))).find(
        // It fails where there is something of that name, whatever that is.
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
