//! The command line: names, environment, what is taken without effect, and what is refused.

use std::{os::unix::fs::symlink, process::Command};

use seal_tests::programs::Program;

use crate::samples::{EVERYTHING, MARKER, NO_NAMESPACE, documents, ours, prepared, theirs};

#[test]
fn the_version_and_the_help_come_first_and_as_expected() {
    let scratch = prepared();
    let version = ours(&scratch, "--version --cert gone extra", "").exits(0);
    let number = version
        .out()
        .strip_prefix("kubeseal version: v")
        .expect("it is kubeseal's form");
    assert_eq!(number.trim().split('.').count(), 3, "{number}");
    let help = ours(&scratch, "--help", "").exits(0);
    assert!(help.out().starts_with("Usage of "), "{}", help.out());
    assert!(
        ours(&scratch, "-h", "")
            .exits(0)
            .out()
            .contains("--re-encrypt")
    );
}

/// The flags in a help text, with what they take but for the names that Go gives to odd types.
fn flags_in(help: &str) -> Vec<(String, bool)> {
    let flags = help.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.split_once(", --").map_or(line, |(_, rest)| rest);
        let line = line.strip_prefix("--").unwrap_or(line);
        let (name, rest) = line.split_once(' ')?;
        (!rest.contains("Usage")).then(|| (name.to_owned(), !rest.starts_with("  ")))
    });
    flags.filter(|(name, _)| name != "Usage").collect()
}

#[test]
fn the_flags_are_those_of_the_real_one() {
    let scratch = prepared();
    let expected = flags_in(theirs(&scratch, "--help", "").exits(0).out());
    assert!(expected.len() > 50, "{expected:?}");
    assert_eq!(
        flags_in(ours(&scratch, "--help", "").exits(0).out()),
        expected
    );
}

#[test]
fn flags_of_the_log_are_taken_without_effect() {
    let scratch = prepared();
    let line = "--add_dir_header --alsologtostderr --alsologtostderrthreshold 1 --legacy_stderr_threshold_behavior=false \
        --log_backtrace_at a:1 --log_dir x --log_file y --log_file_max_size 5 --logtostderr --one_output --skip_headers \
        --skip_log_headers --stderrthreshold WARNING --v 9 --vmodule a=1 -v=1 --cert rsa-2048.crt";
    assert_eq!(ours(&scratch, line, EVERYTHING).exits(0).err(), "");
}

#[test]
fn flags_of_the_client_change_nothing_where_no_cluster_is_needed() {
    let scratch = prepared();
    let line = "--as a --as-group b --as-uid c --certificate-authority d --client-certificate e --client-key f --cluster g \
        --context h --disable-compression --insecure-skip-tls-verify --kubeconfig gone --password i --proxy-url j \
        --request-timeout 5s --server k --tls-server-name l --token m --user n --username o --controller-name p \
        --controller-namespace q --cert rsa-2048.crt";
    assert_eq!(ours(&scratch, line, EVERYTHING).exits(0).err(), "");
}

#[test]
fn variables_stand_for_flags_and_flags_win() {
    let scratch = prepared();
    let run = |line: &str| {
        let run = scratch.seal(["kubeseal"]).args(line.split_whitespace());
        let run = run
            .env("SEALED_SECRETS_CERT", "rsa-2048.crt")
            .env("SEALED_SECRETS_NAMESPACE", "ns/of-variable")
            .env("SEALED_SECRETS_SCOPE", "namespace-wide")
            .env("SEALED_SECRETS_FORMAT", "yaml")
            .env("SEALED_SECRETS_NAME", "of-variable")
            .env("SEALED_SECRETS_CONTEXT", "");
        let run = run.stdin(NO_NAMESPACE).finish().exits(0);
        let object = documents(run.out()).remove(0);
        (run.out().starts_with("---"), object["metadata"].clone())
    };
    let (is_yaml, metadata) = run("");
    assert!(is_yaml);
    assert_eq!(metadata["namespace"], "of-variable");
    assert_eq!(metadata["name"], "of-variable");
    assert_eq!(
        metadata["annotations"]["sealedsecrets.bitnami.com/namespace-wide"],
        "true"
    );
    let (is_yaml, metadata) = run("--scope cluster-wide -o json --name of-flag -n of-flag");
    assert!(!is_yaml);
    assert_eq!(metadata["name"], "of-flag");
    assert_eq!(
        metadata["annotations"]["sealedsecrets.bitnami.com/cluster-wide"],
        "true"
    );
}

#[test]
fn every_flag_but_those_of_the_log_has_a_variable() {
    let scratch = prepared();
    let mut run = scratch.seal(["kubeseal"]);
    let help = ours(&scratch, "--help", "");
    let mut names: Vec<String> = flags_in(help.out())
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    names.retain(|name| {
        !name.contains('_')
            && !["v", "vmodule", "logtostderr", "alsologtostderr"].contains(&name.as_str())
    });
    names.retain(|name| !["alsologtostderrthreshold", "stderrthreshold"].contains(&name.as_str()));
    names.push("rotate".to_owned());
    for name in names {
        let value = if name == "scope" { "strict" } else { "true" };
        run = run.env(
            format!("SEALED_SECRETS_{}", name.to_uppercase().replace('-', "_")),
            value,
        );
    }
    // The switches are all on, and the version comes first.
    let run = run.finish().exits(0);
    assert!(run.out().starts_with("kubeseal version:"), "{}", run.out());
}

#[test]
fn a_variable_that_cannot_be_used_is_an_error_that_does_not_repeat_it() {
    let scratch = prepared();
    let run = |name: &str| {
        let run = scratch.seal(["kubeseal", "--cert", "rsa-2048.crt"]);
        run.env(name, MARKER)
            .stdin(EVERYTHING)
            .finish()
            .never_shows(MARKER)
    };
    let refused = run("SEALED_SECRETS_SCOPE").exits(1);
    assert!(
        refused
            .says("SEALED_SECRETS_SCOPE")
            .err()
            .starts_with("error:")
    );
    // A build may have a variable of this name for the version that it installs.
    run("SEALED_SECRETS_VERSION").exits(0);
}

#[test]
fn a_wrong_command_line_ends_with_code_two_as_it_does_for_the_real_one() {
    let scratch = prepared();
    for line in [
        "--no-such-flag",
        "-x",
        "--cert",
        "--scope marker",
        "--validate=marker",
        "-v",
        "--v marker",
    ] {
        let run = ours(&scratch, line, "").exits(theirs(&scratch, line, "").code.unwrap());
        assert_eq!((run.out(), run.code), ("", Some(2)), "{line}");
        assert!(run.err().starts_with("error: "), "{line}: {}", run.err());
        assert!(!run.err().contains("marker"), "{line}: {}", run.err());
    }
}

#[test]
fn the_program_is_kubeseal_by_its_name() {
    let scratch = prepared();
    let call = |name: &str, arguments: &[&str]| {
        let path = scratch.path().join(name);
        symlink(Program::Seal.path(), &path).unwrap();
        let output = Command::new(&path)
            .args(arguments)
            .env_clear()
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(call("kubeseal", &["--version"]).starts_with("kubeseal version: v"));
    // As a plugin of kubectl it is `seal`.
    assert!(call("kubectl-seal", &["--version"]).starts_with("seal "));
}

#[test]
fn arguments_without_a_flag_are_left_out_of_account_with_a_word() {
    let scratch = prepared();
    let run = ours(&scratch, "--cert rsa-2048.crt marker", EVERYTHING).exits(0);
    assert!(!run.says("warning: ").err().contains("marker"));
}
