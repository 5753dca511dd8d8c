//! The environment variables that the command line reads: their names, and what each is for.

/// The gateway's URL.
pub(crate) const GATEWAY: &str = "PUSHGATEWAY_URL";
/// The directory of the spool.
pub(crate) const SPOOL: &str = "PROMPUSH_SPOOL";
pub(crate) const USER: &str = "PROMPUSH_USER";
pub(crate) const PASSWORD: &str = "PROMPUSH_PASSWORD";
pub(crate) const PASSWORD_FILE: &str = "PROMPUSH_PASSWORD_FILE";
pub(crate) const BEARER_TOKEN: &str = "PROMPUSH_BEARER_TOKEN";
pub(crate) const BEARER_TOKEN_FILE: &str = "PROMPUSH_BEARER_TOKEN_FILE";
pub(crate) const HEADERS: &str = "PROMPUSH_HEADERS";
pub(crate) const HEADER_FILE: &str = "PROMPUSH_HEADER_FILE";
pub(crate) const CA_FILE: &str = "PROMPUSH_CA_FILE";
pub(crate) const CERT_FILE: &str = "PROMPUSH_CERT_FILE";
pub(crate) const KEY_FILE: &str = "PROMPUSH_KEY_FILE";
pub(crate) const INSECURE: &str = "PROMPUSH_INSECURE";
/// Seconds between two pushes of `run` and `bridge`.
pub(crate) const INTERVAL: &str = "PROMPUSH_INTERVAL";
/// The file that a command writes its own metrics to.
pub(crate) const TEXTFILE: &str = "PROMPUSH_TEXTFILE";

/// Every variable that a person may set, with its meaning, in the order of the documentation.
pub(crate) const VARIABLES: [(&str, &str); 22] = [
    (GATEWAY, "URL of the gateway, where `--gateway` is not given"),
    (SPOOL, "directory of the spool, where `--spool` is not given"),
    (USER, "user of basic authentication, where `--user` is not given"),
    (PASSWORD, "password of that user"),
    (PASSWORD_FILE, "file with the password, where `--password-file` is not given"),
    (BEARER_TOKEN, "bearer token"),
    (BEARER_TOKEN_FILE, "file with the bearer token, where `--bearer-token-file` is not given"),
    (HEADERS, "headers to send with each request, one `Name: value` a line"),
    (HEADER_FILE, "file with such headers, where `--header-file` is not given"),
    (CA_FILE, "PEM file of the authorities to trust, where `--ca-file` is not given"),
    (CERT_FILE, "PEM file with a client certificate, where `--cert-file` is not given"),
    (KEY_FILE, "PEM file with the key of that certificate, where `--key-file` is not given"),
    (INSECURE, "`1` accepts any certificate, as `--insecure` does"),
    (INTERVAL, "seconds between two pushes of `run` and `bridge`, from 15 to 300"),
    (
        TEXTFILE,
        "`run`: file that the command writes its own metrics to; `run` sets it where it is not set",
    ),
    (
        "GPTME_TELEMETRY_ENABLED",
        "`run`: `false` leaves the telemetry of gptme off, unless `--otlp` is given",
    ),
    (
        "OTLP_ENDPOINT",
        "`run`: OTLP endpoint that the traces of the command are forwarded to; `bridge`: checked for a likely mistake",
    ),
    ("PROMETHEUS_ADDR", "`run`: address on which gptme up to 0.28 serves its metrics"),
    ("PROMETHEUS_PORT", "`run`: port of that address"),
    (
        "ALL_PROXY, HTTPS_PROXY, HTTP_PROXY",
        "proxy for requests to gateways: the first one that is set; lower case works too",
    ),
    ("NO_PROXY, no_proxy", "hosts that are asked without a proxy"),
    ("NO_COLOR", "any value turns colours off"),
];
