//! Credentials and TLS settings, from the arguments and the environment.

use std::path::{Path, PathBuf};

use prompush::{ConfigError, Credentials, Secret, Tls};

use crate::args::AccessArgs;
use crate::environment::{
    BEARER_TOKEN, BEARER_TOKEN_FILE, CA_FILE, CERT_FILE, HEADER_FILE, HEADERS, INSECURE, KEY_FILE,
    PASSWORD, PASSWORD_FILE, USER,
};
use crate::error::CliError;
use crate::resolve::variable::variable;

/// A value with its source: the name of the argument or of the variable.
#[derive(Debug)]
struct Sourced<T> {
    source_name: &'static str,
    value: T,
}

impl<T> Sourced<T> {
    /// Converts the value. An error names the source of the value.
    fn convert<R>(self, convert: impl FnOnce(T) -> Result<R, ConfigError>) -> Result<R, CliError> {
        let given_by = self.source_name;
        convert(self.value).map_err(|source| CliError::Access { given_by, source })
    }
}

/// The credentials for the gateway.
///
/// # Errors
/// [`CliError`] if a file cannot be used, or if two secrets are given. The error shows no secret.
pub(super) fn credentials(args: &AccessArgs) -> Result<Credentials, CliError> {
    let credentials = match authorization(args)? {
        None => Credentials::default(),
        Some(secret) if secret.is_token => {
            Sourced { source_name: secret.source_name, value: secret.value }
                .convert(Credentials::bearer)?
        }
        Some(secret) => {
            let user = match &args.user {
                Some(user) => Sourced { source_name: "--user", value: user.clone() },
                None => match variable(USER)? {
                    Some(value) => Sourced { source_name: USER, value },
                    None => {
                        return Err(CliError::AccessIncomplete {
                            given: secret.source_name,
                            missing: "--user",
                        });
                    }
                },
            };
            user.convert(|user| Credentials::basic(&user, secret.value))?
        }
    };
    headers(args, credentials)
}

#[derive(Debug)]
struct SourcedSecret {
    source_name: &'static str,
    is_token: bool,
    value: Secret,
}

/// The password or the token. The command line takes precedence over the environment.
fn authorization(args: &AccessArgs) -> Result<Option<SourcedSecret>, CliError> {
    let read =
        |source_name, path: &Path| Sourced { source_name, value: path }.convert(Secret::file);
    if let Some(path) = &args.bearer_token_file {
        let value = read("--bearer-token-file", path)?;
        return Ok(Some(SourcedSecret {
            source_name: "--bearer-token-file",
            is_token: true,
            value,
        }));
    }
    if let Some(path) = &args.password_file {
        let value = read("--password-file", path)?;
        return Ok(Some(SourcedSecret { source_name: "--password-file", is_token: false, value }));
    }
    let mut found = Vec::new();
    for (by, is_token, is_file) in [
        (PASSWORD_FILE, false, true),
        (PASSWORD, false, false),
        (BEARER_TOKEN_FILE, true, true),
        (BEARER_TOKEN, true, false),
    ] {
        // With `--user`, a token in the environment is ignored.
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
    Ok(Some(SourcedSecret { source_name: by, is_token, value }))
}

fn headers(args: &AccessArgs, credentials: Credentials) -> Result<Credentials, CliError> {
    if let Some(file) = path(args.header_file.as_ref(), "--header-file", HEADER_FILE)? {
        return file.convert(|path| credentials.header_file(path));
    }
    match variable(HEADERS)? {
        Some(value) => Sourced { source_name: HEADERS, value }
            .convert(|lines| credentials.header_lines(&lines)),
        None => Ok(credentials),
    }
}

/// The certificates to trust, and the client certificate.
///
/// # Errors
/// [`CliError`] if a file cannot be used, or if a client certificate is given without its key.
pub(super) fn tls(args: &AccessArgs) -> Result<Tls, CliError> {
    let mut tls = Tls::default();
    if let Some(file) = path(args.ca_file.as_ref(), "--ca-file", CA_FILE)? {
        tls = file.convert(|path| tls.ca_file(path))?;
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
                let given_by = if is_certificate { certificate.source_name } else { key.source_name };
                CliError::Access { given_by, source }
            })?
        }
        (Some(certificate), None) => {
            return Err(CliError::AccessIncomplete {
                given: certificate.source_name,
                missing: "--key-file",
            });
        }
        (None, Some(key)) => {
            return Err(CliError::AccessIncomplete {
                given: key.source_name,
                missing: "--cert-file",
            });
        }
    };
    Ok(tls.insecure(args.insecure || flag(INSECURE)?))
}

fn path(
    argument: Option<&PathBuf>,
    argument_name: &'static str,
    variable_name: &'static str,
) -> Result<Option<Sourced<PathBuf>>, CliError> {
    if let Some(path) = argument {
        return Ok(Some(Sourced { source_name: argument_name, value: path.clone() }));
    }
    let value = variable(variable_name)?;
    Ok(value.map(|value| Sourced { source_name: variable_name, value: PathBuf::from(value) }))
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
