//! The real kubeseal asks our controller through the API server.

use seal_api::Scope;
use seal_tests::scratch::Scratch;
use serde_json::Value;

use crate::site::{EVERYWHERE, Site};

#[test]
fn kubeseal_validates_and_re_encrypts() {
    for manifests in EVERYWHERE {
        let site = Site::with(manifests, |setup| {
            setup.args(["--rate-limit=100", "--rate-limit-burst=100"])
        });
        let scratch = Scratch::new();
        let kubeconfig = site.controller.pod().plane().kubeconfig();
        let service = site.controller.service_path("");
        let name = service
            .split("http:")
            .nth(1)
            .and_then(|rest| rest.split(':').next());
        let ask = |flag: &str, object: &Value| {
            scratch
                .kubeseal([flag, "--format=json", "--controller-name"])
                .arg(name.expect("the path names the service"))
                .args(["--controller-namespace", &site.system])
                .arg("--kubeconfig")
                .arg(&kubeconfig)
                .stdin(object.to_string())
                .finish()
        };
        let mut sealed = site.sealed_for(Scope::NamespaceWide, "db", &[("password", "one")]);
        sealed["spec"]["template"]["metadata"]["labels"] = serde_json::json!({"in": "template"});
        ask("--validate", &sealed).exits(0);
        let again: Value = serde_json::from_str(ask("--re-encrypt", &sealed).exits(0).out())
            .expect("it prints JSON");
        assert_ne!(
            again["spec"]["encryptedData"],
            sealed["spec"]["encryptedData"]
        );
        assert_eq!(again["spec"]["template"], sealed["spec"]["template"]);
        site.api().apply(&again);
        site.synced("db");
        sealed["metadata"]["namespace"] = "elsewhere".into();
        ask("--validate", &sealed)
            .exits(1)
            .says("unable to decrypt sealed secret");
        ask("--re-encrypt", &sealed).exits(1);
    }
}
