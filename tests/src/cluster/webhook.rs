//! A validating webhook that the test itself serves, over TLS, as the API server asks it.

use std::{
    fmt,
    io::{self, Write},
    net::TcpStream,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};
use serde_json::{Value, json};

use super::inward::{Inward, read_request};
use crate::control_plane::{ADDRESS, ControlPlane};

/// A webhook that is asked whether a Secret may be created or updated. Dropped, nobody answers there any longer; its
/// configuration stays.
#[derive(Debug)]
pub struct Webhook {
    shared: Arc<Shared>,
    certificate: String,
    inward: Inward,
}

/// What a webhook answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The Secret may be written.
    Allow,
    /// It may not: the code to be answered with, where the webhook says one, and why.
    Deny(Option<u16>, String),
    /// The answer comes after this time, and allows it.
    After(Duration),
}

type Decide = dyn Fn(&Value) -> Decision + Send + Sync;

struct Shared {
    tls: Arc<ServerConfig>,
    decide: Box<Decide>,
    asked: Mutex<Vec<String>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Webhook {
    /// Starts one, which decides about each request: `object` is the Secret as it is to be stored, `oldObject` as it is.
    ///
    /// # Panics
    ///
    /// When it cannot be reached from the network of the control plane.
    pub fn start(
        plane: &ControlPlane,
        decide: impl Fn(&Value) -> Decision + Send + Sync + 'static,
    ) -> Self {
        let key = KeyPair::generate().expect("the system gives random bytes");
        let certificate = CertificateParams::new([ADDRESS.to_owned()])
            .and_then(|params| params.self_signed(&key))
            .expect("the address is a name");
        let shared = Arc::new(Shared {
            tls: tls(&certificate, &key),
            decide: Box::new(decide),
            asked: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let inward = Inward::start(plane, move |client| serving.serve(client));
        Self {
            shared,
            certificate: certificate.pem(),
            inward,
        }
    }

    /// The configuration by which the API server asks it of Secrets in a namespace that have the label `guarded: "yes"`.
    /// Where there is no answer within a second, the Secret is refused.
    pub fn configuration(&self, name: &str, namespace: &str) -> Value {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [{
                "name": format!("{name}.example.com"),
                "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "failurePolicy": "Fail", "timeoutSeconds": 1,
                "clientConfig": {
                    "url": format!("https://{ADDRESS}:{}/", self.inward.port()),
                    "caBundle": STANDARD.encode(&self.certificate),
                },
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "objectSelector": {"matchLabels": {"guarded": "yes"}},
                "rules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"],
                }],
            }],
        })
    }

    /// The names of the Secrets that it was asked about, in this order.
    pub fn asked(&self) -> Vec<String> {
        let asked = self.shared.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn serve(&self, client: TcpStream) -> io::Result<()> {
        let connection = ServerConnection::new(Arc::clone(&self.tls)).map_err(io::Error::other)?;
        let mut client = StreamOwned::new(connection, client);
        let Some((_, body)) = read_request(&mut client)? else {
            return Ok(());
        };
        let review: Value = serde_json::from_slice(&body)?;
        let request = &review["request"];
        let name = request["object"]["metadata"]["name"]
            .as_str()
            .unwrap_or_default();
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name.to_owned());
        let mut response = json!({"uid": request["uid"], "allowed": true});
        match (self.decide)(request) {
            Decision::Allow => {}
            Decision::Deny(code, message) => {
                response["allowed"] = false.into();
                response["status"] = json!({"code": code, "message": message});
            }
            Decision::After(wait) => thread::sleep(wait),
        }
        let answer = json!({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response});
        let answer = answer.to_string();
        write!(
            client,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
            answer.len()
        )?;
        client.flush()
    }
}

fn tls(certificate: &rcgen::Certificate, key: &KeyPair) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("it was just made");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has its own")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("they belong together");
    Arc::new(config)
}
