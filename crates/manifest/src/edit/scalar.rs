//! A new text for a scalar, in the style it has if that can hold it.

use zeroize::Zeroizing;

use super::site::Site;
use super::splice::Splice;
use crate::node::{Node, Style};
use crate::position::line_at;
use crate::render::{self, Place, Shape};
use crate::{Error, emit};

/// The splice that gives the scalar a new text.
pub(super) fn splice(site: &Site<'_>, value: &str) -> Result<Splice, Error> {
    let node = site.node();
    if node.scalar().is_none() {
        return Err(site.error("the value is not a single text"));
    }
    site.check_own()?;
    let with = if site.is_json() {
        render::json_quoted(value)
    } else {
        match node.style {
            Style::Literal | Style::Folded => block(site, value),
            _ => inline(site, value)?,
        }
    };
    Ok(Splice {
        range: node.range.clone(),
        with,
    })
}

fn inline(site: &Site<'_>, value: &str) -> Result<Zeroizing<String>, Error> {
    let node = site.node();
    let own = match node.style {
        Style::Plain if render::is_plain(value, site.place()) => {
            Some(Zeroizing::new(value.to_owned()))
        }
        Style::SingleQuoted => render::single_quoted(value),
        _ => None,
    };
    let text = own.unwrap_or_else(|| nearest(site, value));
    if !node.range.is_empty() {
        return Ok(text);
    }
    if site.entry.is_some_and(|entry| entry.colon.is_none()) {
        return Err(site.error("the key has no colon"));
    }
    // An absent value: the colon, dash, tag or anchor before it wants a blank.
    let mut spaced = Zeroizing::new(String::with_capacity(text.len() + 1));
    spaced.push(' ');
    spaced.push_str(&text);
    Ok(spaced)
}

/// Several lines become a literal block where nothing else stands on the line.
fn nearest(site: &Site<'_>, value: &str) -> Zeroizing<String> {
    let node = site.node();
    let end = node.range.end;
    let is_alone = site.text[end..site.line_end(end)].is_empty();
    let avoids_block = site.place() == Place::Flow
        || node.style == Style::DoubleQuoted
        || !is_alone
        || !site.can_end_block(end, site.parent_column())
        || site.parent().is_none()
        || node.start < node.range.start;
    match node.style {
        Style::Plain if site.place() == Place::Block => {
            emit::string(value, site.shape(), avoids_block)
        }
        _ if avoids_block => render::double_quoted(value),
        _ => emit::string(value, site.shape(), value.lines().nth(1).is_none()),
    }
}

fn block(site: &Site<'_>, value: &str) -> Zeroizing<String> {
    let node = site.node();
    let header = Header::of(site.text, node);
    let shape = Shape {
        indent: header.indent(site),
        ..site.shape()
    };
    // Without a line break at the end of the text the last line would lose its own.
    let is_cut_off = value.ends_with('\n') && !site.line_is_closed(node.range.end);
    let own = match node.style {
        _ if is_cut_off => None,
        Style::Folded => render::folded(value, shape, header.rest),
        _ => render::literal(value, shape, header.rest),
    };
    own.unwrap_or_else(|| {
        let mut text = render::double_quoted(value);
        text.push_str(header.rest);
        text
    })
}

/// The first line of a block scalar, and where its content is indented.
struct Header<'t> {
    /// What follows the indicator on the line: blanks and a comment.
    rest: &'t str,
    has_indicator: bool,
    /// The first line with content.
    first: Option<&'t str>,
    raw: &'t str,
}

impl<'t> Header<'t> {
    fn of(text: &'t str, node: &Node) -> Self {
        let raw = &text[node.range.clone()];
        let line = &raw[..line_at(raw, 0).range.end];
        let length = 1 + line[1..].find([' ', '\t']).unwrap_or(line.len() - 1);
        let first = raw[line.len()..]
            .lines()
            .find(|line| !line.trim().is_empty());
        let has_indicator = line[..length].contains(|c: char| c.is_ascii_digit());
        Self {
            rest: &line[length..],
            has_indicator,
            first,
            raw,
        }
    }

    /// The column of the content: as the indicator says, else as the first line shows.
    fn indent(&self, site: &Site<'_>) -> usize {
        let digit = self.raw.chars().take(3).find_map(|c| c.to_digit(10));
        let shown = self
            .first
            .map(|line| line.len() - line.trim_start_matches(' ').len());
        match (self.has_indicator, digit, shown) {
            (true, Some(width), _) => site.parent_column() + width as usize,
            (_, _, Some(shown)) => shown,
            _ => site.shape().indent,
        }
    }
}
