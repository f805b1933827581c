//! What is wrong with the texts of a SealedSecret's template, told where they stand before they are committed.

use seal_manifest::{Document, Node};
use seal_sealing::template_problems;

use crate::{
    documents::{Reader, place},
    problem::Problem,
};

/// Every fault that shows without values, each with the line of the template where it is. A SealedSecret that cannot be
/// read as one has none: something else tells what is wrong with it.
pub(crate) fn problems(file: &str, document: &Document, node: &Node) -> Vec<Problem> {
    let Some(data) = data(node) else {
        return Vec::new();
    };
    let Ok(sealed) = (Reader { file, document }).sealed_secret(node) else {
        return Vec::new();
    };
    let problems = template_problems(&sealed).into_iter();
    problems
        .map(|problem| {
            let text = data.get(&problem.item);
            let excerpt = text
                .and_then(Node::as_str)
                .map(|text| problem.error.excerpt(text));
            let excerpt = excerpt.unwrap_or_default();
            let lines = excerpt.lines().map(|line| format!("\n  {line}"));
            let message = format!("{}: {problem}{}", problem.item, String::from_iter(lines));
            let place = place(file, document, text.unwrap_or(node));
            Problem::new(problem.reason, message).at(place)
        })
        .collect()
}

fn data(node: &Node) -> Option<&Node> {
    node.get("spec")?.get("template")?.get("data")
}
