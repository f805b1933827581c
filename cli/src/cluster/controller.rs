//! The controller behind the API server: its certificate, and what it says of SealedSecrets.

use seal_api::Reason;
use serde_json::Value;

use super::{Answer, Cluster, Request, failed};
use crate::problem::Problem;

/// The end of the name of the ConfigMap with the controller's certificate; before it stands the name of its Service.
const CONFIG_MAP: &str = "-certificate";
/// Added to the name of the installation: the name of the Secret with the key of the records.
const RECORD_KEY: &str = "-record-key";
/// The key of the certificate in it.
const CONFIG_MAP_KEY: &str = "tls.crt";

/// The hint where the controller's Service is not there, in kubeseal's words.
pub(crate) const NAME_THE_SERVICE: &str = "Please, use the flag --controller-name and --controller-namespace to set up the name and \
    namespace of the sealed secrets controller";

/// What the controller says of a SealedSecret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opens {
    /// It opens.
    Yes,
    /// It does not; the controller does not say why.
    No,
}

impl Cluster {
    /// The certificate by way of the service proxy: PEM.
    pub(crate) fn certificate(&self) -> Result<Vec<u8>, Problem> {
        let path = self.proxy("/v1/cert.pem")?;
        let answer = self.send(&Request {
            method: "GET",
            path: &path,
            accept: "application/x-pem-file, */*",
            content_type: None,
            body: Vec::new(),
        })?;
        if answer.is_success() {
            return Ok(answer.body);
        }
        Err(refused("cannot fetch certificate", &answer))
    }

    /// The certificate in the ConfigMap that the controller keeps for every user of the cluster.
    pub(crate) fn certificate_in_config_map(&self) -> Result<Vec<u8>, Problem> {
        let (at, path) = self.config_map();
        let answer = self.get(&path)?;
        if !answer.is_success() {
            return Err(failed(format!("{at}: {}", answer.why())));
        }
        match answer.object()?["data"][CONFIG_MAP_KEY].as_str() {
            Some(pem) => Ok(pem.as_bytes().to_vec()),
            None => Err(failed(format!("{at} has no key {CONFIG_MAP_KEY}"))),
        }
    }

    /// What the ConfigMap with the certificate is called in messages, and its path.
    pub(crate) fn config_map(&self) -> (String, String) {
        let name = format!("{}{CONFIG_MAP}", self.controller.name);
        let namespace = &self.controller.namespace;
        (
            format!("the ConfigMap {namespace}/{name}"),
            format!("/api/v1/namespaces/{namespace}/configmaps/{name}"),
        )
    }

    /// What our controller makes in its namespace beside keys, and upstream's does not: each by what it is called in messages,
    /// and its path.
    pub(crate) fn made_by_ours(&self) -> [(String, String); 3] {
        let (name, namespace) = (&self.controller.name, &self.controller.namespace);
        let lease = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}");
        [
            self.config_map(),
            (
                format!("the Secret {namespace}/{name}{RECORD_KEY}"),
                format!("/api/v1/namespaces/{namespace}/secrets/{name}{RECORD_KEY}"),
            ),
            (format!("the Lease {namespace}/{name}"), lease),
        ]
    }

    /// Asks the controller whether it can open a SealedSecret.
    pub(crate) fn verify(&self, object: &Value) -> Result<Opens, Problem> {
        let answer = self.post("/v1/verify", object)?;
        match answer.status {
            409 => Ok(Opens::No),
            _ if answer.is_success() => Ok(Opens::Yes),
            _ => Err(refused("cannot validate sealed secret", &answer)),
        }
    }

    /// Has the controller seal the items of a SealedSecret again, with its newest key.
    pub(crate) fn rotate(&self, object: &Value) -> Result<Value, Problem> {
        let answer = self.post("/v1/rotate", object)?;
        match answer.status {
            409 => Err(Problem::new(Reason::CannotOpen, "unable to rotate secret")),
            _ if answer.is_success() => answer.object(),
            _ => Err(refused("cannot re-encrypt secret", &answer)),
        }
    }

    fn post(&self, path: &str, object: &Value) -> Result<Answer, Problem> {
        let path = self.proxy(path)?;
        self.send(&Request {
            method: "POST",
            path: &path,
            accept: "application/json, */*",
            content_type: None,
            body: object.to_string().into_bytes(),
        })
    }

    /// A path of the controller as the API server's service proxy has it. The port is named as the Service names its first.
    fn proxy(&self, path: &str) -> Result<String, Problem> {
        if self.port.get().is_none() {
            let port = self.first_port()?;
            let _ = self.port.set(port);
        }
        let port = self.port.get().map_or("", String::as_str);
        let (name, namespace) = (&self.controller.name, &self.controller.namespace);
        Ok(format!(
            "/api/v1/namespaces/{namespace}/services/http:{name}:{port}/proxy{path}"
        ))
    }

    fn first_port(&self) -> Result<String, Problem> {
        let (name, namespace) = (&self.controller.name, &self.controller.namespace);
        let cannot = |why: &str| {
            failed(format!("cannot get sealed secret service: {why}")).hint(NAME_THE_SERVICE)
        };
        let answer = self.get(&format!("/api/v1/namespaces/{namespace}/services/{name}"))?;
        if !answer.is_success() {
            return Err(cannot(&answer.why()));
        }
        let service = answer.object()?;
        match service["spec"]["ports"].get(0) {
            Some(port) => Ok(port["name"].as_str().unwrap_or_default().to_owned()),
            None => Err(cannot("it has no port")),
        }
    }
}

/// The problem of an answer that is none. The service proxy says 503 where nothing is behind the Service, or does not answer.
fn refused(what: &str, answer: &Answer) -> Problem {
    let problem = failed(format!("{what}: {}", answer.why()));
    match answer.status {
        503 => problem.hint("is the controller running and ready?"),
        _ => problem,
    }
}
