//! Passwords, tokens and header values that no message shows.

use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::ConfigError;

/// The largest file of secrets, headers or certificates, in bytes. The certificates of all public
/// authorities together take a fifth of that.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Directories in which a container platform, not a person, chooses the modes of the files.
const MOUNTED_SECRETS: [&str; 2] = ["/run/secrets", "/var/run/secrets"];

/// A password, a token or a header value, given as text or as a file.
///
/// A file is read when the secret is created, so that errors show early. The file is read again for each
/// request, so that a replaced secret is used at once. When the file cannot be read any more, its last
/// content stays in use.
///
/// Neither `Debug` nor any error shows the secret.
#[derive(Clone)]
pub struct Secret(Inner);

#[derive(Clone)]
enum Inner {
    Text(Arc<str>),
    File(Arc<SecretFile>),
}

struct SecretFile {
    path: PathBuf,
    /// The content that was read last.
    last: Mutex<Arc<str>>,
}

impl Secret {
    /// A secret that the program has already, for example from the environment.
    pub fn text(value: impl Into<String>) -> Self {
        Self(Inner::Text(value.into().into()))
    }

    /// The content of a file without its final line ends, at most 1 MiB.
    ///
    /// A file that is not a regular file, such as the pipe of a shell's `<(…)`, is read only once. A file
    /// that every user of the machine can read causes a warning through the `log` package, unless the file
    /// is below `/run/secrets`, where container platforms choose the modes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::File`] when the file cannot be read, is empty, or has more than one line of text.
    pub fn file(path: impl Into<PathBuf>) -> Result<Self, ConfigError> {
        let path = path.into();
        let value = read(&path)?;
        if !fs::metadata(&path).is_ok_and(|data| data.is_file()) {
            return Ok(Self(Inner::Text(value)));
        }
        warn_if_open_to_all(&path);
        Ok(Self(Inner::File(Arc::new(SecretFile { path, last: Mutex::new(value) }))))
    }

    /// The secret as it is now.
    pub(crate) fn reveal(&self) -> Arc<str> {
        match &self.0 {
            Inner::Text(text) => Arc::clone(text),
            Inner::File(file) => {
                let mut last = file.last.lock();
                if let Ok(value) = read(&file.path) {
                    *last = value;
                }
                Arc::clone(&last)
            }
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Text(_) => f.write_str("Secret(***)"),
            Inner::File(file) => write!(f, "Secret(*** of {:?})", file.path),
        }
    }
}

/// Two secrets from files are equal when they have the same path.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Inner::Text(a), Inner::Text(b)) => a == b,
            (Inner::File(a), Inner::File(b)) => a.path == b.path,
            _ => false,
        }
    }
}

impl Eq for Secret {}

/// Reads a small text file. An empty file is an error.
pub(crate) fn read_text(path: &Path) -> Result<String, ConfigError> {
    let fail = |expected| ConfigError::File { path: path.to_owned(), expected, source: None };
    let bytes = read_bytes(path)?;
    let text = String::from_utf8(bytes).map_err(|_| fail("text in UTF-8"))?;
    // Some editors put a byte order mark before the text.
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    if text.trim().is_empty() {
        Err(fail("a file with content, but it is empty"))
    } else {
        Ok(text)
    }
}

/// Reads a small file, which may be empty.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let cannot = |source: io::Error| ConfigError::File {
        path: path.to_owned(),
        expected: "a file that can be read",
        source: Some(source),
    };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(cannot)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let expected = "a file of at most 1 MiB";
        return Err(ConfigError::File { path: path.to_owned(), expected, source: None });
    }
    Ok(bytes)
}

fn read(path: &Path) -> Result<Arc<str>, ConfigError> {
    let text = read_text(path)?;
    let value = text.trim_end_matches(['\r', '\n']);
    if value.chars().any(char::is_control) {
        let expected = "one line of text without control characters";
        return Err(ConfigError::File { path: path.to_owned(), expected, source: None });
    }
    Ok(value.into())
}

/// Warns when every user of the machine can read a file. The file is not refused: platforms mount secrets
/// with modes of their choice, and a job that fails because of a mode loses its metrics.
#[cfg(unix)]
pub(crate) fn warn_if_open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    const READABLE_BY_ALL: u32 = 0o004;
    let Ok(data) = fs::metadata(path) else { return };
    let mounted = MOUNTED_SECRETS.iter().any(|folder| path.starts_with(folder));
    if data.is_file() && data.permissions().mode() & READABLE_BY_ALL != 0 && !mounted {
        let path = path.display();
        log::warn!("every user of this machine can read `{path}`: `chmod 600` restricts it to you");
    }
}

#[cfg(not(unix))]
pub(crate) fn warn_if_open_to_all(_: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with that content, and the folder that removes it.
    fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, content).unwrap();
        (folder, path)
    }

    #[test]
    fn final_line_ends_are_removed_from_a_secret_and_spaces_are_kept() {
        for (content, expected) in [
            (&b"s3cret"[..], "s3cret"),
            (b"s3cret\n", "s3cret"),
            (b"s3cret\r\n\n", "s3cret"),
            (b" s3 cret ", " s3 cret "),
            ("\u{feff}gehörnt\n".as_bytes(), "gehörnt"),
        ] {
            let (_folder, path) = file(content);
            assert_eq!(&*Secret::file(&path).unwrap().reveal(), expected);
        }
    }

    #[test]
    fn errors_show_the_path_of_a_file_and_not_its_content() {
        let check = |path: &Path, expected: &str| {
            let error = Secret::file(path).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(&path.display().to_string()), "{shown}");
            assert!(shown.contains(expected) && !shown.contains("s3cret"), "{shown}");
        };
        for (content, expected) in [
            (&b""[..], "it is empty"),
            (b"\n \n", "it is empty"),
            (b"s3cret\ns3cret\n", "one line"),
            (b"s3cret\x07", "control characters"),
            (b"s3cret\xff", "UTF-8"),
            (&vec![b'a'; 1_048_577], "1 MiB"),
        ] {
            let (_folder, path) = file(content);
            check(&path, expected);
        }
        let folder = tempfile::tempdir().unwrap();
        check(folder.path(), "can be read");
        check(&folder.path().join("missing"), "NotFound");
    }

    #[test]
    fn a_replaced_file_is_read_again_and_a_removed_file_leaves_its_last_content() {
        let (_folder, path) = file(b"first");
        let secret = Secret::file(&path).unwrap();
        fs::write(&path, "second\n").unwrap();
        assert_eq!(&*secret.reveal(), "second");
        fs::remove_file(&path).unwrap();
        assert_eq!(&*secret.reveal(), "second");
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let (_folder, path) = file(b"s3cret");
        let shown = format!("{:?} {:?}", Secret::text("s3cret"), Secret::file(path));
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
