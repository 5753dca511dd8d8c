//! Guards TLS, client certificates and passwords against real gateways, and that credentials are sent to
//! no other server.

use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use prompush::{
    ConfigError, Credentials, Gateway, GatewayConfig, GroupingKey, PushError, PushErrorKind,
    Registry, Secret, Tls,
};
use prompush_testing::{
    Answer, Authority, Certified, Leaf, Pushgateway, ScriptedServer, Version, WebConfig,
};

use crate::support;

const PASSWORD: &str = "wonder land";
/// The bcrypt hash of [`PASSWORD`], at the lowest cost.
const HASH: &str = "$2y$05$abcdefghijklmnopqrstuursDchxTEEtpfrQZuzTh/cOvMRDwFApK";
const HOST: Leaf<'_> = Leaf::Server(&["127.0.0.1", "localhost"]);

fn config() -> GatewayConfig {
    support::config().total_timeout(Duration::from_secs(20))
}

fn push(url: &str, config: GatewayConfig) -> Result<(), PushError> {
    let registry = Registry::new();
    registry.gauge("rows", "Rows.").expect("a good name").set(42.0);
    let key = GroupingKey::new("x").expect("a good job");
    let gateway = Gateway::with_config(url, config).expect("a good configuration");
    gateway.push(&key, &registry)?;
    assert!(gateway.scrape()?.windows(7).any(|window| window == b"rows{in"));
    assert_eq!(gateway.groups()?.len(), 1);
    Ok(())
}

/// Files in a directory that is removed after the test.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).expect("a file");
        path
    }

    fn certified(&self, name: &str, certified: &Certified) -> (PathBuf, PathBuf) {
        let certificate = self.write(&format!("{name}.pem"), &certified.certificate);
        (certificate, self.write(&format!("{name}-key.pem"), &certified.key))
    }
}

/// Checks that a push fails for good, and that the error with its cause and hint has these words.
#[track_caller]
fn check_refused(url: &str, config: GatewayConfig, kind: PushErrorKind, words: &[&str]) {
    let error = push(url, config).expect_err("a failure");
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let shown = format!(
        "{error}\n{cause}\n{}",
        error.hint().map(|hint| hint.to_string()).unwrap_or_default()
    );
    assert_eq!((error.kind(), error.attempts()), (kind, 1), "{shown}");
    for word in words {
        assert!(shown.contains(word), "{word} in {shown}");
    }
    assert!(!format!("{shown}{error:?}").contains("wonder"), "{shown}");
}

#[test]
fn a_gateway_with_everything() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let files = Files::new();
    let ca = files.write("ca.pem", authority.certificate());
    let other_ca = files.write("other-ca.pem", stranger.certificate());
    let (certificate, key) = files.certified("client", &authority.issue(Leaf::Client));
    let (other_certificate, other_key) = files.certified("other", &stranger.issue(Leaf::Client));
    let password = Secret::file(files.write("password", format!("{PASSWORD}\n"))).unwrap();
    let credentials = Credentials::basic("alice", password).unwrap();

    for version in Version::ALL {
        let web = WebConfig {
            tls: Some(authority.issue(HOST)),
            client_authority: Some(authority.certificate()),
            user: Some(("alice".to_owned(), HASH.to_owned())),
        };
        let Some(gateway) = Pushgateway::start_secured(version, &web) else { return };
        let url = gateway.url();
        let trusted = || Tls::default().ca_file(&ca).unwrap();
        let known = || trusted().client_files(&certificate, &key).unwrap();
        let with = |tls: Tls| config().credentials(credentials.clone()).tls(tls);

        push(url, with(known())).unwrap();
        push(url, with(known().ca_file(&other_ca).unwrap())).unwrap();
        push(&url.replace("127.0.0.1", "localhost"), with(known())).unwrap();
        let in_url = url.replace("://", "://alice:wonder%20land@");
        push(&in_url, config().tls(known())).unwrap();
        push(url, with(known().insecure(true))).unwrap();

        let kind = PushErrorKind::Tls;
        let authority_words = ["authority that is not trusted", "`Tls::ca_file`"];
        check_refused(url, with(Tls::default()), kind, &authority_words);
        let other = Tls::default().ca_file(&other_ca).unwrap();
        check_refused(url, with(other), kind, &[&authority_words[..], &["same name"]].concat());
        check_refused(url, with(trusted()), kind, &["client certificate", "`Tls::client_files`"]);
        let stranger = trusted().client_files(&other_certificate, &other_key).unwrap();
        check_refused(url, with(stranger), kind, &["ended the handshake", "client certificate"]);
        check_refused(url, config().tls(known()), PushErrorKind::Refused(401), &["credentials"]);
        let wrong = Credentials::basic("alice", Secret::text("wonder")).unwrap();
        let wrong = config().tls(known()).credentials(wrong);
        check_refused(url, wrong, PushErrorKind::Refused(401), &["credentials"]);
        let plain = url.replace("https://", "http://");
        check_refused(&plain, config(), PushErrorKind::Refused(400), &["`https://"]);
    }
}

#[test]
fn wrong_certificates_are_refused() {
    let authority = Authority::new();
    let files = Files::new();
    let ca = files.write("ca.pem", authority.certificate());
    let check = |certified: Certified, ca: Option<&Path>, words: &[&str]| {
        let ca = ca.map(Path::to_owned);
        let ca = ca.unwrap_or_else(|| files.write("own.pem", &certified.certificate));
        let web = WebConfig { tls: Some(certified), ..WebConfig::default() };
        let Some(gateway) = Pushgateway::start_secured(Version::Sid, &web) else { return };
        let trusting = config().tls(Tls::default().ca_file(ca).unwrap());
        check_refused(gateway.url(), trusting, PushErrorKind::Tls, words);
        push(gateway.url(), config().tls(Tls::default().insecure(true))).unwrap();
    };
    let host = ["127.0.0.1"];
    let expired = authority.issue(Leaf::ExpiredServer(&host));
    check(expired, Some(&ca), &["expired", "days ago", "renew"]);
    let other = authority.issue(Leaf::Server(&["gw.example"]));
    check(other, Some(&ca), &["is for `gw.example`, not for `127.0.0.1`"]);
    let own = authority.issue(Leaf::SelfSignedServer(&host));
    check(own, None, &["CA:TRUE", "basicConstraints"]);
}

#[test]
fn a_server_without_tls() {
    let Some(gateway) = Pushgateway::start(Version::Sid) else { return };
    let url = gateway.url().replace("http://", "https://");
    check_refused(&url, config(), PushErrorKind::Tls, &["handshake without TLS", "`http://"]);
}

#[test]
fn a_token_that_is_replaced_is_used_at_once() {
    let files = Files::new();
    let path = files.write("token", "first\n");
    let server = ScriptedServer::start([]);
    let token = Credentials::bearer(Secret::file(&path).unwrap()).unwrap();
    let gateway = Gateway::with_config(&server.url(), config().credentials(token)).unwrap();
    gateway.ready().unwrap();
    fs::write(&path, "second\n").unwrap();
    gateway.ready().unwrap();
    let seen: Vec<_> =
        server.requests().iter().map(|it| it.header("authorization").map(str::to_owned)).collect();
    assert_eq!(seen, [Some("Bearer first".to_owned()), Some("Bearer second".to_owned())]);
    // A value that a header cannot hold fails, and is not shown.
    fs::write(&path, "thïrd").unwrap();
    let error = gateway.ready().unwrap_err();
    let cause = error.source().map(ToString::to_string);
    assert!(!format!("{error} {cause:?} {error:?}").contains("rd\""), "{error:?} {cause:?}");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn headers_are_sent_and_redirects_get_none() {
    let elsewhere = ScriptedServer::start([]);
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/elsewhere", elsewhere.url());
        let server = ScriptedServer::start([Answer::status(status).header("Location", &location)]);
        let credentials = Credentials::bearer(Secret::text("wonder"))
            .and_then(|it| it.header_lines("X-Scope-OrgID: team-a\n"))
            .unwrap();
        let gateway =
            Gateway::with_config(&server.url(), config().credentials(credentials)).unwrap();
        let error = gateway.ready().unwrap_err();
        assert_eq!(error.kind(), PushErrorKind::Redirected(status));
        let request = &server.requests()[0];
        assert_eq!(request.header("authorization"), Some("Bearer wonder"));
        assert_eq!(request.header("x-scope-orgid"), Some("team-a"));
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn unusable_files_are_named() {
    let authority = Authority::new();
    let files = Files::new();
    let (certificate, key) = files.certified("a", &authority.issue(Leaf::Client));
    let (_, other_key) = files.certified("b", &authority.issue(Leaf::Client));
    let text = files.write("text", "hello\n");
    let empty = files.write("empty", "");
    let pem = fs::read_to_string(&certificate).unwrap();
    let cut = files.write("cut", &pem.as_bytes()[..pem.len() / 2]);
    let damaged = files
        .write("damaged", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n");
    let bad_key = files
        .write("bad-key", "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n");
    let locked = files.write(
        "locked",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\naGVsbG8=\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let missing = files.0.path().join("missing");

    let check = |result: Result<Tls, ConfigError>, path: &Path, words: &str| {
        let error = result.expect_err(words);
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        let shown = format!("{error}: {cause}");
        assert!(shown.contains(&path.display().to_string()), "{shown}");
        assert!(shown.contains(words), "{words} in {shown}");
    };
    let ca = |path: &Path| Tls::default().ca_file(path);
    check(ca(&missing), &missing, "No such file");
    check(ca(files.0.path()), files.0.path(), "Is a directory");
    check(ca(&empty), &empty, "it is empty");
    check(ca(&text), &text, "there is none in it");
    check(ca(&key), &key, "there is none in it");
    check(ca(&cut), &cut, "cut or damaged");
    check(ca(&damaged), &damaged, "can be read");
    let client = |certificate: &Path, key: &Path| Tls::default().client_files(certificate, key);
    check(client(&certificate, &missing), &missing, "No such file");
    check(client(&missing, &key), &missing, "No such file");
    check(client(&certificate, &empty), &empty, "it is empty");
    check(client(&certificate, &text), &text, "PRIVATE KEY");
    check(client(&certificate, &certificate), &certificate, "PRIVATE KEY");
    check(client(&certificate, &locked), &locked, "without a passphrase");
    check(client(&certificate, &bad_key), &bad_key, "of a kind that is known");
    check(client(&certificate, &other_key), &other_key, "the key that the certificate is for");
    check(client(&damaged, &key), &damaged, "can be read");
    let both = files.write("both", format!("{pem}{}", fs::read_to_string(&key).unwrap()));
    client(&both, &both).expect("both may be in one file");
}

#[test]
fn credentials_in_url_and_config_are_refused() {
    let credentials = Credentials::bearer(Secret::text("wonder")).unwrap();
    let config = config().credentials(credentials);
    let error = Gateway::with_config("http://u:p@gw", config).unwrap_err();
    assert!(error.to_string().contains("the gateway's URL has a user, too"), "{error}");
}
