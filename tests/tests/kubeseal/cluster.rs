//! What reaches a cluster, through the service proxy of a real API server and with the Go project's controller behind it.

use std::fs;

use seal_manifest::{Limits, read};
use seal_tests::{
    cluster::{Controller, Setup, install},
    control_plane::ControlPlane,
    keys,
    programs::Program,
    run::Finished,
    scratch::Scratch,
};
use serde_json::{Value, json};

use crate::samples::{EVERYTHING, MARKER, alike, documents, prepared};

const SYSTEM: &str = "/api/v1/namespaces/kube-system";

/// A cluster with a controller in it, and a folder to work in.
struct Cluster<'p> {
    plane: &'p ControlPlane,
    controller: Controller<'p>,
    scratch: Scratch,
}

impl<'p> Cluster<'p> {
    fn start(plane: &'p ControlPlane, setup: &Setup, program: Program) -> Self {
        let scratch = prepared();
        fs::copy(plane.kubeconfig(), scratch.path().join("kubeconfig")).unwrap();
        let controller = install(plane, setup).run(program);
        controller.certificate();
        for namespace in ["shop", "other"] {
            let namespace = json!({"metadata": {"name": namespace}});
            assert_eq!(
                plane.api().create("/api/v1/namespaces", &namespace).status,
                201
            );
        }
        Self {
            plane,
            controller,
            scratch,
        }
    }

    fn ours(&self, line: &str, input: &str) -> Finished {
        let run = self
            .scratch
            .seal(["kubeseal", "--kubeconfig", "kubeconfig"]);
        run.args(line.split_whitespace()).stdin(input).finish()
    }

    fn theirs(&self, line: &str, input: &str) -> Finished {
        let run = self.scratch.kubeseal(["--kubeconfig", "kubeconfig"]);
        run.args(line.split_whitespace()).stdin(input).finish()
    }

    fn seal(&self, line: &str) -> Finished {
        let run = self.scratch.seal(line.split_whitespace());
        run.env("KUBECONFIG", "kubeconfig").finish()
    }

    /// A value of the kubeconfig.
    fn access(&self, path: &[&str]) -> String {
        let text = self.scratch.read("kubeconfig");
        let stream = read(&text, &Limits::default()).unwrap();
        let root = &stream.documents[0].as_ref().unwrap().root;
        root.at(path)
            .and_then(|node| node.as_str())
            .unwrap()
            .to_owned()
    }

    fn server(&self) -> String {
        self.access(&["clusters", "0", "cluster", "server"])
    }

    fn token(&self) -> String {
        self.access(&["users", "0", "user", "token"])
    }
}

/// The message of an error without what either says in its own words behind it.
fn first_line(run: &Finished) -> &str {
    run.err().lines().next().unwrap_or_default()
}

#[test]
fn kubeseal_reaches_the_controller_as_the_real_one_does() {
    let plane = ControlPlane::start();
    let cluster = Cluster::start(&plane, &Setup::chart(), Program::UpstreamController);
    let scratch = &cluster.scratch;
    let expected = cluster.theirs("--fetch-cert", "").exits(0);
    assert_eq!(
        cluster.ours("--fetch-cert", "").exits(0).out(),
        expected.out()
    );

    // Sealing without --cert asks the controller; the namespace is that of the context.
    let no_namespace = EVERYTHING.replace("  namespace: prod\n", "");
    let sealed = cluster
        .ours("-n shop -o yaml", &no_namespace)
        .exits(0)
        .never_shows(MARKER);
    let their_sealed = cluster.theirs("-n shop -o yaml", &no_namespace).exits(0);
    let object = |run: &Finished| documents(run.out()).remove(0);
    assert_eq!(alike(object(&sealed)), alike(object(&their_sealed)));
    for text in [sealed.out(), their_sealed.out()] {
        assert_eq!(
            cluster.ours("--validate --validate", text).exits(0).out(),
            ""
        );
        assert_eq!(cluster.theirs("--validate", text).exits(0).out(), "");
    }
    let renamed = sealed.out().replace("name: testSecret", "name: renamed");
    let refused = cluster.ours("--validate", &renamed).exits(1);
    assert_eq!(
        refused.err(),
        cluster.theirs("--validate", &renamed).exits(1).err()
    );

    // In a file everything but the items stays; on standard output the object is as it was.
    let noted = format!("# of the shop\n{}", sealed.out());
    scratch.write("sealed.yaml", &noted);
    assert_eq!(
        cluster
            .ours("--re-encrypt -f sealed.yaml", "")
            .exits(0)
            .out(),
        ""
    );
    let rotated = scratch.read("sealed.yaml");
    assert!(rotated.starts_with("# of the shop\n---\n"), "{rotated}");
    assert_ne!(rotated, noted);
    let [before, after] = [&noted, &rotated].map(|text| alike(documents(text).remove(0)));
    assert_eq!(before, after);
    cluster.ours("--validate -f sealed.yaml", "").exits(0);
    let printed = cluster.ours("--rotate", sealed.out()).exits(0);
    assert_eq!(alike(object(&printed)), before);
    assert!(printed.err().contains("--rotate has been deprecated"));
    cluster.theirs("--validate", printed.out()).exits(0);
    let failed = cluster.ours("--re-encrypt", &renamed).exits(1);
    assert_eq!(
        first_line(&failed).split(':').nth(1),
        Some(" cannot re-encrypt secret")
    );

    let line = "--fetch-cert --controller-name gone";
    let refused = cluster.ours(line, "").exits(1);
    assert_eq!(first_line(&refused), first_line(&cluster.theirs(line, "")));
    flags_say_who_and_where(&cluster, expected.out());
}

/// Everything that a kubeconfig says can be said by a flag, or by a variable.
fn flags_say_who_and_where(cluster: &Cluster<'_>, certificate: &str) {
    let scratch = &cluster.scratch;
    let (server, token) = (cluster.server(), cluster.token());
    let authority = cluster
        .plane
        .api()
        .get(&format!("{SYSTEM}/configmaps/kube-root-ca.crt"));
    scratch.write("ca.crt", authority.body["data"]["ca.crt"].as_str().unwrap());
    scratch.write("empty", "");
    let by_flags = |name: &str| {
        let line = format!(
            "--kubeconfig empty --server {server} --token {token} --certificate-authority ca.crt --tls-server-name {name} \
             --request-timeout 30s --disable-compression --fetch-cert"
        );
        let run = scratch.seal(["kubeseal"]).args(line.split_whitespace());
        run.finish()
    };
    assert_eq!(by_flags("127.0.0.1").exits(0).out(), certificate);
    let _ = by_flags("elsewhere").exits(1).says("cannot be reached");
    let by_variables = scratch
        .seal(["kubeseal", "--fetch-cert", "--insecure-skip-tls-verify"])
        .env("SEALED_SECRETS_TOKEN", &token)
        .env("KUBERNETES_MASTER", &server)
        .finish();
    assert_eq!(by_variables.exits(0).out(), certificate);
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token},
    });
    scratch.write("credential", credential.to_string());
    let plugin = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "cat", "args": ["credential"], "interactiveMode": "Never"});
    let mut config = documents(&scratch.read("kubeconfig")).remove(0);
    config["users"][0]["user"] = json!({"exec": plugin});
    scratch.write("with-plugin", config.to_string());
    let run = cluster
        .ours("--kubeconfig with-plugin --fetch-cert", "")
        .exits(0);
    assert_eq!(run.out(), certificate);
    let behind_proxy = scratch
        .seal(["kubeseal", "--kubeconfig", "kubeconfig", "--fetch-cert"])
        .env("HTTPS_PROXY", "http://127.0.0.1:1");
    assert_eq!(behind_proxy.finish().exits(0).out(), certificate);
    let named = "--cluster gone --fetch-cert";
    let _ = cluster
        .ours(named, "")
        .exits(1)
        .says("cluster \"gone\" does not exist");
    let _ = cluster
        .ours("--user gone --fetch-cert", "")
        .exits(1)
        .says("auth info \"gone\" does not exist");
    let impersonated =
        "--as system:anonymous --as-group system:unauthenticated --as-uid 7 --fetch-cert";
    let refused = cluster.ours(impersonated, "").exits(1);
    assert!(
        refused.err().contains("system:anonymous"),
        "{}",
        refused.err()
    );
    let wrong =
        "--kubeconfig empty --insecure-skip-tls-verify --username a --password b --fetch-cert";
    let run = scratch
        .seal(["kubeseal", "--server", &server])
        .args(wrong.split_whitespace())
        .finish();
    assert_eq!(run.exits(1).out(), "");
    let _ = cluster
        .ours("--proxy-url http://127.0.0.1:1 --fetch-cert", "")
        .exits(1)
        .says("cannot be reached");
    let _ = cluster
        .ours("--request-timeout 1ns --fetch-cert", "")
        .exits(1)
        .says("did not answer within");
    let _ = cluster
        .ours("--request-timeout marker --fetch-cert", "")
        .exits(1)
        .says("--request-timeout is not a time");
    let run = cluster
        .ours(
            "--client-certificate gone --client-key gone --fetch-cert",
            "",
        )
        .exits(1);
    assert!(run.err().starts_with("error:"), "{}", run.err());
}

#[test]
fn seal_reaches_a_cluster_when_it_is_asked_to() {
    let plane = ControlPlane::start();
    let mut cluster = Cluster::start(&plane, &Setup::chart(), Program::UpstreamController);
    let certificate = cluster.ours("--fetch-cert", "").exits(0).out().to_owned();
    fetching(&cluster, &certificate);
    verifying(&cluster);
    applying(&cluster, "no key could decrypt secret");
    cluster.controller.stop();
    let run = cluster
        .seal("apply waiting.yaml --wait --timeout 1s")
        .exits(1);
    let _ = run.says("not ready after 1 s: the controller has not looked at it yet");
}

#[test]
fn seal_and_kubeseal_reach_our_controller_alike() {
    let plane = ControlPlane::start();
    let cluster = Cluster::start(&plane, &Setup::ours(), Program::Controller);
    let certificate = cluster.theirs("--fetch-cert", "").exits(0);
    let fetched = cluster.seal("cert fetch --cluster").exits(0);
    assert_eq!(fetched.out(), certificate.out());
    // The ConfigMap was there.
    assert!(
        !fetched.err().contains("the ConfigMap"),
        "{}",
        fetched.err()
    );
    cluster.scratch.write("controller.crt", certificate.out());
    verifying(&cluster);
    applying(&cluster, "says it was sealed with key");
    let rotated = cluster.ours("--re-encrypt -f good.yaml", "").exits(0);
    assert_eq!((rotated.out(), rotated.err()), ("", ""));
    // What the controller knows of the items is kept.
    assert!(
        cluster
            .scratch
            .read("good.yaml")
            .contains("seal.internal/items")
    );
    cluster.theirs("--validate -f good.yaml", "").exits(0);
}

fn fetching(cluster: &Cluster<'_>, certificate: &str) {
    let fetched = cluster.seal("cert fetch --cluster").exits(0);
    assert_eq!(fetched.out(), certificate);
    // The way that failed before is explained.
    let _ = fetched.says("the ConfigMap kube-system/sealed-secrets-controller-certificate");
    let run = cluster
        .seal("cert fetch --controller-name gone --controller-namespace shop --context nowhere")
        .exits(1);
    let _ = run.says("context \"nowhere\" does not exist");
    let run = cluster
        .seal("cert fetch --controller-name gone --controller-namespace shop")
        .exits(1);
    let _ = run
        .says("the ConfigMap shop/gone-certificate")
        .says("cannot get sealed secret service");
    let run = cluster
        .seal("cert fetch --kubeconfig kubeconfig --controller-name gone rsa-2048.crt")
        .exits(0);
    assert_eq!(run.out(), keys::pem("rsa-2048.crt"));
    let map = json!({
        "metadata": {"name": "sealed-secrets-controller-certificate"},
        "data": {"tls.crt": keys::pem("rsa-2048.crt")},
    });
    let created = cluster
        .plane
        .api()
        .create(&format!("{SYSTEM}/configmaps"), &map);
    assert_eq!(created.status, 201);
    let fetched = cluster.seal("cert fetch --cluster").exits(0);
    assert_eq!(fetched.out(), keys::pem("rsa-2048.crt"));
    cluster.scratch.write("controller.crt", certificate);
}

/// A Secret of a name, in the namespace `shop`.
fn secret(name: &str) -> String {
    EVERYTHING
        .replace("testSecret", name)
        .replace("namespace: prod", "namespace: shop")
}

fn verifying(cluster: &Cluster<'_>) {
    let scratch = &cluster.scratch;
    let seal = |name: &str, cert: &str| {
        let run = scratch
            .seal(["encrypt", "--cert", cert])
            .stdin(secret(name))
            .finish();
        run.exits(0).out().to_owned()
    };
    scratch.write("good.yaml", seal("good", "controller.crt"));
    scratch.write("waiting.yaml", seal("waiting", "controller.crt"));
    scratch.write("bad.yaml", seal("bad", "rsa-2048.crt"));
    scratch.write("secret.yaml", secret("plain"));
    let run = cluster.seal("verify --cluster good.yaml bad.yaml").exits(3);
    assert_eq!(
        run.out(),
        "good.yaml:2: shop/good opens\nbad.yaml:2: shop/bad does not open\n"
    );
    let run = cluster
        .seal(
            "verify --cluster good.yaml --format json --controller-name sealed-secrets-controller",
        )
        .exits(0);
    let line: Value = serde_json::from_str(run.out()).unwrap();
    assert_eq!(
        (&line["name"], &line["opens"]),
        (&json!("good"), &json!(true))
    );
    cluster.seal("verify good.yaml").exits(2);
    cluster
        .seal("verify --cluster secret.yaml --kubeconfig kubeconfig")
        .exits(1);
    let run = cluster
        .seal("verify --cluster good.yaml --controller-namespace shop")
        .exits(1);
    let _ = run.says("cannot get sealed secret service");
    let run = cluster
        .seal("verify --cluster good.yaml --context nowhere")
        .exits(1);
    let _ = run.says("does not exist");
}

/// `why` is what the controller says of an object whose key it does not hold.
fn applying(cluster: &Cluster<'_>, why: &str) {
    let run = cluster.seal("apply good.yaml --wait").exits(0);
    assert_eq!(run.out(), "shop/good created\nshop/good ready\n");
    let path = "/api/v1/namespaces/shop/secrets/good";
    assert_eq!(
        cluster.plane.api().get(path).body["data"]["username"],
        "YWRtaW4="
    );
    let run = cluster
        .seal("apply good.yaml --wait --timeout 30s --kubeconfig kubeconfig")
        .exits(0);
    assert_eq!(run.out(), "shop/good applied\nshop/good ready\n");

    let run = cluster.seal("apply bad.yaml --wait").exits(1);
    let _ = run.says("bad.yaml").says("shop/bad: ").says(why);
    let run = cluster
        .seal("apply good.yaml secret.yaml")
        .exits(1)
        .never_shows(MARKER);
    assert_eq!(run.out(), "");
    let _ = run.says("is no SealedSecret, and nothing else is applied");
    cluster.seal("apply good.yaml --namespace other").exits(1);
    let run = cluster
        .seal("apply good.yaml --namespace shop --format json")
        .exits(0);
    let line: Value = serde_json::from_str(run.out()).unwrap();
    assert_eq!(
        line,
        json!({"namespace": "shop", "name": "good", "state": "applied"})
    );
    cluster.seal("apply good.yaml --context nowhere").exits(1);
    let gone = cluster
        .scratch
        .read("good.yaml")
        .replace("namespace: shop", "namespace: gone");
    cluster.scratch.write("gone.yaml", gone);
    let _ = cluster
        .seal("apply gone.yaml")
        .exits(1)
        .says("\"kubectl create namespace gone\" makes it");

    // A field that another has set is taken over only when that is asked for.
    let path = "/apis/bitnami.com/v1alpha1/namespaces/shop/sealedsecrets/good";
    let other = json!({"spec": {"template": {"metadata": {"labels": {"a": "9"}}}}});
    assert_eq!(cluster.plane.api().patch(path, &other).status, 200);
    let _ = cluster
        .seal("apply good.yaml")
        .exits(1)
        .says("--force-conflicts");
    cluster.seal("apply good.yaml --force-conflicts").exits(0);
    let labels = &cluster.plane.api().get(path).body["spec"]["template"]["metadata"]["labels"];
    assert_eq!(labels["a"], "1");
}
