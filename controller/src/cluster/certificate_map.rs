//! The current certificate as a ConfigMap, which every authenticated user may read.

use serde_json::{Value, json};

use super::{
    api_server::{ApiError, ApiServer, Kind},
    object_name::ObjectName,
};

/// The key in the ConfigMap.
const KEY: &str = "tls.crt";

/// Makes the ConfigMap hold `pem`, or nothing where there is no certificate. A ConfigMap that is right is left alone.
pub(super) async fn publish(
    api: &ApiServer,
    name: &ObjectName,
    pem: Option<&str>,
) -> Result<(), ApiError> {
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
