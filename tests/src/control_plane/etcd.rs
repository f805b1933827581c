//! etcd: where it keeps its data, and what is said to it beside the API server, through its HTTP gateway.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use ureq::Agent;

pub(super) const ETCD_URL: &str = "http://127.0.0.1:2379";
/// Where [`ETCD_URL`] is in the network.
pub(super) const ETCD_ADDRESS: &str = "127.0.0.1:2379";
const ETCD_PEER_URL: &str = "http://127.0.0.1:2380";

/// Its data, below the folder of the control plane.
pub(super) fn data(folder: &Path) -> PathBuf {
    folder.join("etcd/data")
}

pub(super) fn etcd_flags(folder: &Path) -> Vec<String> {
    vec![
        format!("--data-dir={}", data(folder).display()),
        format!("--listen-client-urls={ETCD_URL}"),
        format!("--advertise-client-urls={ETCD_URL}"),
        format!("--listen-peer-urls={ETCD_PEER_URL}"),
        format!("--initial-advertise-peer-urls={ETCD_PEER_URL}"),
        format!("--initial-cluster=default={ETCD_PEER_URL}"),
        // What is stored need not survive a power cut.
        "--unsafe-no-fsync".to_owned(),
    ]
}

/// Forgets every state but the one that there is now; returns its revision. `port` is where it is reached.
pub(super) fn compact(port: u16) -> u64 {
    let status = ask(port, "maintenance/status", &json!({}));
    let revision = &status["header"]["revision"];
    let number = revision.as_str().and_then(|text| text.parse().ok());
    let number = number.unwrap_or_else(|| panic!("etcd does not say its revision: {status}"));
    let compaction = json!({"revision": revision, "physical": true});
    ask(port, "kv/compaction", &compaction);
    number
}

fn ask(port: u16, what: &str, body: &Value) -> Value {
    let config = Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false);
    let agent: Agent = config.build().into();
    let url = format!("http://127.0.0.1:{port}/v3/{what}");
    let answer = agent.post(&url).send(body.to_string());
    let mut answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    assert_eq!(answer.status(), 200, "{url}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{url}: {error}: {text}"))
}
