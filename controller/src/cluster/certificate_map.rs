//! The current certificate as a ConfigMap, which every authenticated user may read.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::{
    Cluster,
    api_server::{ApiError, ApiServer, Kind},
    feature::Feature,
    object_name::ObjectName,
};

/// Added to the name of the installation: the name of the ConfigMap.
const CERTIFICATE: &str = "-certificate";
/// The key in the ConfigMap.
const KEY: &str = "tls.crt";
/// How long until it is looked again whether the ConfigMap is right, and may be written.
const LOOK_AGAIN: Duration = Duration::from_secs(600);
/// How long until the certificate is offered again where that failed.
const OFFER_AGAIN: Duration = Duration::from_secs(30);

/// What was offered last, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Offered {
    /// The certificate, or that there is none; nothing where it is not known.
    pem: Option<Option<String>>,
    /// When to look again.
    again: Option<Instant>,
}

impl Cluster {
    /// Writes the certificate where every user may read it, unless that is known to be done.
    pub(super) async fn offer_certificate(&self, offered: &mut Offered) {
        if !self.keys.is_listed() {
            return;
        }
        let ring = self.keys.ring();
        let pem = ring.current().map(|(_, certificate)| certificate.to_pem());
        let now = Instant::now();
        let is_due = offered.again.is_none_or(|again| again <= now);
        if !is_due && offered.pem.as_ref() == Some(&pem) {
            return;
        }
        let name = ObjectName::new(&self.own, format!("{}{CERTIFICATE}", self.args.name));
        let published = publish(&self.api, &name, pem.as_deref()).await;
        let is_done = match published {
            Ok(()) => {
                self.feature_on(Feature::CertificateConfigMap);
                true
            }
            Err(ApiError::Forbidden(_)) => {
                self.feature_off(Feature::CertificateConfigMap);
                true
            }
            Err(error) => {
                warn!("the ConfigMap {name} cannot be written: {error}");
                false
            }
        };
        let wait = if is_done { LOOK_AGAIN } else { OFFER_AGAIN };
        *offered = Offered {
            pem: is_done.then_some(pem),
            again: Some(now + wait),
        };
    }

    /// Offers it again in its time, as somebody may have edited or deleted it, or given the right to write it; without an
    /// end.
    pub(super) async fn keep_certificate_offered(&self, offered: &mut Offered) {
        loop {
            let soon = Instant::now() + OFFER_AGAIN;
            // Where the keys are not known it is not offered, whenever that was to be.
            let again = offered.again.filter(|_| self.keys.is_listed());
            sleep_until(again.unwrap_or(soon)).await;
            self.offer_certificate(offered).await;
        }
    }
}

/// Makes the ConfigMap hold `pem`, or nothing where there is no certificate. A ConfigMap that is right is left alone.
async fn publish(api: &ApiServer, name: &ObjectName, pem: Option<&str>) -> Result<(), ApiError> {
    let data = pem.map_or_else(|| json!({}), |pem| json!({KEY: pem}));
    match api.get(Kind::ConfigMap, name).await? {
        None if pem.is_none() => Ok(()),
        None => {
            let object = json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name.name, "namespace": name.namespace},
                "data": data,
            });
            api.create(Kind::ConfigMap, &name.namespace, &object)
                .await
                .map(drop)
        }
        Some(present) if is_right(&present, pem) => Ok(()),
        Some(mut present) => {
            present["data"] = data;
            api.replace(Kind::ConfigMap, name, &present).await.map(drop)
        }
    }
}

fn is_right(present: &Value, pem: Option<&str>) -> bool {
    present["data"][KEY].as_str() == pem
}
