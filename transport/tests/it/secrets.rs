//! Guards that no secret reaches the program's log, neither from this library nor from a library below.
//!
//! The level `Trace` is left out: there the HTTP client logs the bytes, as the docs of `Credentials` say.

use std::time::Duration;

use prompush::{Credentials, Gateway, GatewayConfig, GroupingKey, Pusher, Registry, Secret, Tls};
use prompush_testing::{Answer, Authority, Leaf, Pushgateway, ScriptedServer, Version, WebConfig};

use crate::support::{capture_log, captured_log};

#[test]
fn no_log_holds_a_secret() {
    capture_log();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "wonder\n").unwrap();
    let config = || {
        GatewayConfig::default()
            .total_timeout(Duration::from_millis(300))
            .proxy_from_environment(false)
    };
    let ways = [
        Credentials::basic("alice", Secret::text("wonder")),
        Credentials::bearer(Secret::file(&file).unwrap()),
        Credentials::default().header_lines("X-Key: wonder\nAuthorization: Custom wonder"),
    ];
    for credentials in ways.map(Result::unwrap) {
        for answer in [Answer::status(200), Answer::status(401), Answer::CloseAtOnce] {
            let server = ScriptedServer::start([answer]);
            let config = config().credentials(credentials.clone());
            let gateway = Gateway::with_config(&server.url(), config.clone()).unwrap();
            gateway.push(&GroupingKey::new("x").expect("a job"), &Registry::new()).ok();
            let pusher = Pusher::builder(&server.url(), "x").unwrap().config(config);
            pusher.spawn(Registry::new()).unwrap().shutdown(Duration::from_millis(200)).ok();
        }
    }
    let server = ScriptedServer::start([Answer::status(403)]);
    let url = server.url().replace("://", "://alice:wonder@");
    let pusher = Pusher::builder(&url, "x").unwrap().config(config());
    pusher.spawn(Registry::new()).unwrap().shutdown(Duration::from_millis(200)).unwrap_err();
    over_tls(&url);
    let lines = captured_log();
    // "wonder", and its base64 form at each of the three offsets.
    for secret in ["wonder", "d29uZGVy", "dvbmRlc", "3b25kZX"] {
        let line = lines.iter().find(|line| line.text.contains(secret));
        assert!(line.is_none(), "{secret}: {line:?}");
    }
    let has = |part: &str| {
        lines.iter().any(|line| line.target.contains(part) || line.text.contains(part))
    };
    assert!(has("ureq"), "the libraries below were heard");
    assert!(has("every user of this machine can read"), "{lines:?}");
}

/// Pushes over TLS without a check of certificates, to a server with TLS and to one without.
fn over_tls(plain_url: &str) {
    let tls = GatewayConfig::default().tls(Tls::default().insecure(true));
    let tls = tls.total_timeout(Duration::from_millis(300)).proxy_from_environment(false);
    let push = |url: &str| {
        let gateway = Gateway::with_config(url, tls.clone()).expect("a URL");
        gateway.push(&GroupingKey::new("x").expect("a job"), &Registry::new()).ok();
    };
    push(&plain_url.replace("http://", "https://"));
    let certified = Authority::new().issue(Leaf::Server(&["127.0.0.1"]));
    let web = WebConfig { tls: Some(certified), ..WebConfig::default() };
    if let Some(gateway) = Pushgateway::start_secured(Version::Sid, &web) {
        push(&gateway.url().replace("://", "://alice:wonder@"));
    }
}
