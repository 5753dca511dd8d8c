//! Credentials and TLS, from arguments and the environment.

use std::path::{Path, PathBuf};

use prompush::{ConfigError, Credentials, Secret, Tls};

use crate::args::AccessArgs;
use crate::environment::{
    BEARER_TOKEN, BEARER_TOKEN_FILE, CA_FILE, CERT_FILE, HEADER_FILE, HEADERS, INSECURE, KEY_FILE,
    PASSWORD, PASSWORD_FILE, USER,
};
use crate::error::CliError;
use crate::resolve::variable::variable;

/// A value, and the argument or variable that it is from.
#[derive(Debug)]
struct Given<T> {
    by: &'static str,
    value: T,
}

impl<T> Given<T> {
    /// Makes something of the value; an error says what it was from.
    fn read<R>(self, read: impl FnOnce(T) -> Result<R, ConfigError>) -> Result<R, CliError> {
        let given_by = self.by;
        read(self.value).map_err(|source| CliError::Access { given_by, source })
    }
}

/// Who asks.
///
/// # Errors
/// If a file cannot be used, or there are two answers. No secret is shown.
pub(super) fn credentials(args: &AccessArgs) -> Result<Credentials, CliError> {
    let credentials = match authorization(args)? {
        None => Credentials::default(),
        Some(secret) if secret.is_token => {
            Given { by: secret.by, value: secret.value }.read(Credentials::bearer)?
        }
        Some(secret) => {
            let user = match &args.user {
                Some(user) => Given { by: "--user", value: user.clone() },
                None => match variable(USER)? {
                    Some(value) => Given { by: USER, value },
                    None => {
                        return Err(CliError::AccessIncomplete {
                            given: secret.by,
                            missing: "--user",
                        });
                    }
                },
            };
            user.read(|user| Credentials::basic(&user, secret.value))?
        }
    };
    headers(args, credentials)
}

#[derive(Debug)]
struct GivenSecret {
    by: &'static str,
    is_token: bool,
    value: Secret,
}

/// The one password or token. What the command line says comes before the environment.
fn authorization(args: &AccessArgs) -> Result<Option<GivenSecret>, CliError> {
    let read = |by, path: &Path| Given { by, value: path }.read(Secret::file);
    if let Some(path) = &args.bearer_token_file {
        let value = read("--bearer-token-file", path)?;
        return Ok(Some(GivenSecret { by: "--bearer-token-file", is_token: true, value }));
    }
    if let Some(path) = &args.password_file {
        let value = read("--password-file", path)?;
        return Ok(Some(GivenSecret { by: "--password-file", is_token: false, value }));
    }
    let mut found = Vec::new();
    for (by, is_token, is_file) in [
        (PASSWORD_FILE, false, true),
        (PASSWORD, false, false),
        (BEARER_TOKEN_FILE, true, true),
        (BEARER_TOKEN, true, false),
    ] {
        // A user on the command line asks for a password.
        let wanted = args.user.is_none() || !is_token;
        found.extend(variable(by)?.filter(|_| wanted).map(|value| (by, is_token, is_file, value)));
    }
    if let [(first, ..), (second, ..), ..] = found.as_slice() {
        return Err(CliError::ConflictingAccess { first, second });
    }
    let Some((by, is_token, is_file, value)) = found.pop() else {
        return match &args.user {
            Some(_) => {
                Err(CliError::AccessIncomplete { given: "--user", missing: "--password-file" })
            }
            None => Ok(None),
        };
    };
    let value = if is_file { read(by, Path::new(&value))? } else { Secret::text(value) };
    Ok(Some(GivenSecret { by, is_token, value }))
}

fn headers(args: &AccessArgs, credentials: Credentials) -> Result<Credentials, CliError> {
    if let Some(file) = path(args.header_file.as_ref(), "--header-file", HEADER_FILE)? {
        return file.read(|path| credentials.header_file(path));
    }
    match variable(HEADERS)? {
        Some(value) => Given { by: HEADERS, value }.read(|lines| credentials.header_lines(&lines)),
        None => Ok(credentials),
    }
}

/// Whom to trust and who we are.
///
/// # Errors
/// If a file cannot be used, or the certificate or its key is missing.
pub(super) fn tls(args: &AccessArgs) -> Result<Tls, CliError> {
    let mut tls = Tls::default();
    if let Some(file) = path(args.ca_file.as_ref(), "--ca-file", CA_FILE)? {
        tls = file.read(|path| tls.ca_file(path))?;
    }
    let certificate = path(args.cert_file.as_ref(), "--cert-file", CERT_FILE)?;
    let key = path(args.key_file.as_ref(), "--key-file", KEY_FILE)?;
    tls = match (certificate, key) {
        (None, None) => tls,
        (Some(certificate), Some(key)) => {
            let made = tls.client_files(&certificate.value, &key.value);
            made.map_err(|source| {
                let is_certificate = matches!(
                    &source,
                    ConfigError::File { path, .. } if *path == certificate.value && *path != key.value
                );
                let given_by = if is_certificate { certificate.by } else { key.by };
                CliError::Access { given_by, source }
            })?
        }
        (Some(certificate), None) => {
            return Err(CliError::AccessIncomplete {
                given: certificate.by,
                missing: "--key-file",
            });
        }
        (None, Some(key)) => {
            return Err(CliError::AccessIncomplete { given: key.by, missing: "--cert-file" });
        }
    };
    Ok(tls.insecure(args.insecure || flag(INSECURE)?))
}

fn path(
    argument: Option<&PathBuf>,
    argument_name: &'static str,
    variable_name: &'static str,
) -> Result<Option<Given<PathBuf>>, CliError> {
    if let Some(path) = argument {
        return Ok(Some(Given { by: argument_name, value: path.clone() }));
    }
    let value = variable(variable_name)?;
    Ok(value.map(|value| Given { by: variable_name, value: PathBuf::from(value) }))
}

fn flag(name: &'static str) -> Result<bool, CliError> {
    match variable(name)?.as_deref() {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(value) => {
            let value = value.to_owned();
            Err(CliError::Environment { name, value, expected: "`1` or `0`" })
        }
    }
}
