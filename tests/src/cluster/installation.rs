//! Manifests applied to a cluster.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Controller, Pod, Setup, scenario::wait};
use crate::{control_plane::ControlPlane, programs::Program};

/// A machine that is none: pods are bound to it, and nobody runs them.
pub(super) const NODE: &str = "here";

/// A controller that is installed, whether it runs or not.
#[derive(Clone, Debug)]
pub struct Installation<'p> {
    pub(super) plane: &'p ControlPlane,
    pub(super) namespace: String,
    /// The Deployment, as the API server has it.
    pub(super) deployment: Value,
}

/// Renders and applies everything, and waits until SealedSecrets can be created.
///
/// # Panics
///
/// When the API server refuses an object.
pub fn install<'p>(plane: &'p ControlPlane, setup: &Setup) -> Installation<'p> {
    install_objects(plane, &setup.namespace, setup.objects())
}

/// As [`install`], with objects that were rendered and changed before.
///
/// # Panics
///
/// When the API server refuses an object, or when there is no Deployment among them.
pub fn install_objects<'p>(
    plane: &'p ControlPlane,
    namespace: &str,
    mut objects: Vec<Value>,
) -> Installation<'p> {
    let api = plane.api();
    api.apply(&json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}));
    let namespaces: BTreeSet<&str> = objects
        .iter()
        .filter_map(|object| object["metadata"]["namespace"].as_str())
        .chain([namespace])
        .collect();
    for name in namespaces {
        if api.get(&format!("/api/v1/namespaces/{name}")).status == 404 {
            api.apply(
                &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
            );
        }
    }
    objects.sort_by_key(rank);
    let mut deployment = None;
    for mut object in objects {
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        // As `helm install --namespace` and `kubectl apply --namespace` do it.
        if object["metadata"]["namespace"].is_null() && !kind.starts_with("C") {
            object["metadata"]["namespace"] = namespace.into();
        }
        let applied = api.apply(&object);
        match kind.as_str() {
            "CustomResourceDefinition" => wait_until_established(plane, &applied),
            "Deployment" => deployment = Some(applied),
            _ => {}
        }
    }
    Installation {
        plane,
        namespace: namespace.to_owned(),
        deployment: deployment.expect("a Deployment is among the objects"),
    }
}

impl<'p> Installation<'p> {
    /// Waits for a pod of the Deployment that no machine has yet, and takes it.
    ///
    /// # Panics
    ///
    /// When there comes none.
    pub fn pod(&self) -> Pod<'p> {
        Pod::take(self)
    }

    /// Takes a pod, runs the program in it, and waits until it is ready.
    ///
    /// # Panics
    ///
    /// When there comes no pod, or the program ends or does not get ready.
    pub fn run(&self, program: Program) -> Controller<'p> {
        let mut controller = Controller::start(self.pod(), program);
        controller.wait_until_ready();
        controller
    }

    /// Changes the image of the container, so that the Deployment makes a pod in place of the one it has.
    ///
    /// # Panics
    ///
    /// When the API server refuses it.
    pub fn set_image(&self, image: &str) {
        let api = self.plane.api();
        let path = api.path("apps/v1", "Deployment", &self.namespace, self.name());
        // A merge patch replaces lists whole.
        let mut template = api.get(&path).body["spec"]["template"].take();
        template["spec"]["containers"][0]["image"] = image.into();
        let patched = api.patch(&path, &json!({"spec": {"template": template}}));
        assert_eq!(patched.status, 200, "{}", patched.body);
    }

    /// The name of the Deployment and of its Service.
    ///
    /// # Panics
    ///
    /// Never: the API server stores nothing without a name.
    pub fn name(&self) -> &str {
        self.deployment["metadata"]["name"]
            .as_str()
            .expect("what is stored has a name")
    }

    /// The namespace of the controller.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}

/// What others refer to comes first.
fn rank(object: &Value) -> usize {
    const ORDER: [&str; 6] = [
        "CustomResourceDefinition",
        "ServiceAccount",
        "ClusterRole",
        "Role",
        "ClusterRoleBinding",
        "RoleBinding",
    ];
    let kind = object["kind"].as_str().unwrap_or_default();
    if kind == "Deployment" {
        return ORDER.len() + 1;
    }
    ORDER
        .iter()
        .position(|first| *first == kind)
        .unwrap_or(ORDER.len())
}

fn wait_until_established(plane: &ControlPlane, crd: &Value) {
    let text = |path: &str| {
        crd.pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (group, version) = (text("/spec/group"), text("/spec/versions/0/name"));
    let collection = format!("/apis/{group}/{version}/{}", text("/spec/names/plural"));
    wait("the CRD is established", String::new, || {
        (plane.api().get(&collection).status == 200).then_some(())
    });
}
