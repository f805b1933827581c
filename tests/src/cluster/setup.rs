//! Which manifests a controller is installed with, and what its user says about them.

use serde_json::{Value, json};

use super::render;

/// Whose manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manifests {
    /// Upstream's chart, rendered by helm.
    Chart,
    /// Upstream's `controller.yaml`, rendered from its Jsonnet.
    Static,
    /// `deploy/manifests/`, rendered by kustomize.
    Ours,
}

/// A controller to be installed: by default named `sealed-secrets-controller`, in `kube-system`, for all namespaces.
#[derive(Clone, Debug)]
pub struct Setup {
    pub(super) manifests: Manifests,
    pub(super) namespace: String,
    pub(super) values: Vec<(String, Value)>,
    pub(super) watched: Vec<String>,
    pub(super) namespaced_roles: bool,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) replicas: Option<u32>,
}

impl Setup {
    /// What its users get from these manifests when they say nothing.
    pub fn new(manifests: Manifests) -> Self {
        Self {
            manifests,
            namespace: "kube-system".to_owned(),
            values: Vec::new(),
            watched: Vec::new(),
            namespaced_roles: false,
            arguments: Vec::new(),
            environment: Vec::new(),
            replicas: None,
        }
    }

    /// Upstream's chart, under the name that `kubeseal` looks for.
    pub fn chart() -> Self {
        Self::new(Manifests::Chart).value("fullnameOverride", json!("sealed-secrets-controller"))
    }

    /// Upstream's static manifest.
    pub fn upstream_static() -> Self {
        Self::new(Manifests::Static)
    }

    /// Our manifests.
    pub fn ours() -> Self {
        Self::new(Manifests::Ours)
    }

    /// Whose manifests they are.
    pub fn manifests(&self) -> Manifests {
        self.manifests
    }

    /// Installs in another namespace, which is made with it. Names that belong to the whole cluster then end with it, so
    /// that several fit beside each other.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets a value of the chart, such as `secretName` or `rbac.create`; the later wins.
    ///
    /// # Panics
    ///
    /// When the manifests are no chart.
    #[must_use]
    pub fn value(mut self, path: &str, value: Value) -> Self {
        assert_eq!(
            self.manifests,
            Manifests::Chart,
            "only the chart has values"
        );
        self.values.push((path.to_owned(), value));
        self
    }

    /// Keeps to the controller's own namespace and these, which have to be there before.
    #[must_use]
    pub fn watching<N: Into<String>>(mut self, namespaces: impl IntoIterator<Item = N>) -> Self {
        self.watched = namespaces.into_iter().map(Into::into).collect();
        self
    }

    /// Gives no right for the whole cluster, only Roles in the namespaces of [`Self::watching`].
    ///
    /// # Panics
    ///
    /// When the manifests have no such form.
    #[must_use]
    pub fn namespaced_roles(mut self) -> Self {
        assert_ne!(
            self.manifests,
            Manifests::Static,
            "upstream's static manifest has rights for the whole cluster only"
        );
        self.namespaced_roles = true;
        self
    }

    /// Adds arguments to those of the container.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds an environment variable to the container.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs so many pods.
    #[must_use]
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.replicas = Some(replicas);
        self
    }

    /// Every object of it, rendered.
    ///
    /// # Panics
    ///
    /// When the renderer refuses.
    pub fn objects(&self) -> Vec<Value> {
        let mut objects = render::render(self);
        for object in &mut objects {
            if object["kind"] == "Deployment" {
                self.change(object);
            }
        }
        objects
    }

    fn change(&self, deployment: &mut Value) {
        let spec = &mut deployment["spec"];
        if let Some(replicas) = self.replicas {
            spec["replicas"] = json!(replicas);
        }
        let container = &mut spec["template"]["spec"]["containers"][0];
        let mut arguments = self.arguments.clone();
        if !self.watched.is_empty() && self.manifests != Manifests::Chart {
            arguments.push(format!(
                "--additional-namespaces={}",
                self.watched.join(",")
            ));
        }
        extend(
            &mut container["args"],
            arguments.into_iter().map(Value::from),
        );
        let variable = |(name, value): &(String, String)| json!({"name": name, "value": value});
        extend(&mut container["env"], self.environment.iter().map(variable));
    }
}

fn extend(list: &mut Value, more: impl Iterator<Item = Value>) {
    let mut items = match list.take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    items.extend(more);
    *list = Value::Array(items);
}
