//! A page of a list: as many objects as are little together.
//!
//! What an API server does for a page grows with all objects that there are, so that small pages make a list of many
//! objects slow, and large pages of large objects take much memory. So the next page has as many as would have been little
//! of those of the last one; and where that was wrong it is given up and asked for anew with few.

use http_body_util::{BodyExt, LengthLimitError, Limited};
use kube::{Client, client::Body, core::Status};

/// How many objects are listed at first, and where they are large. Each has up to 1.5 MiB in the API server's database.
pub(super) const FEWEST: u32 = 25;
/// How many at most.
const MOST: u32 = 500;
/// How long a page is to be, in bytes.
const WANTED: usize = 2 << 20;
/// Where a page of more than [`FEWEST`] is so long, in bytes, it is given up.
const TOO_LONG: usize = 16 << 20;

/// What the API server answers.
pub(super) enum Page {
    /// The text of the list.
    Text(Vec<u8>),
    /// It is too long, and was not read to the end.
    TooLong,
    Refused(Box<Status>),
}

/// Asks for a page of so many objects.
pub(super) async fn read(
    client: &Client,
    request: http::Request<Vec<u8>>,
    objects: u32,
) -> Result<Page, kube::Error> {
    let response = client.send(request.map(Body::from)).await?;
    let (head, body) = response.into_parts();
    let longest = if objects > FEWEST {
        TOO_LONG
    } else {
        usize::MAX
    };
    let body = match Limited::new(body, longest).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(Page::TooLong),
        Err(error) => return Err(kube::Error::Service(error)),
    };
    if head.status.is_success() {
        return Ok(Page::Text(body.into()));
    }
    // Its code and reason are all that is looked at.
    let status = serde_json::from_slice(&body)
        .unwrap_or_else(|_| Status::failure("", "").with_code(head.status.as_u16()));
    Ok(Page::Refused(Box::new(status)))
}

/// How many objects the next page is to have, after one of so many bytes and objects.
pub(super) fn next(bytes: usize, objects: usize) -> u32 {
    let fitting = WANTED.saturating_mul(objects) / bytes.max(1);
    u32::try_from(fitting).unwrap_or(MOST).clamp(FEWEST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_as_many_objects_as_are_little_together() {
        let kib = 1024;
        assert_eq!(next(25 * 8 * kib, 25), 256);
        assert_eq!(next(500 * kib, 500), MOST);
        assert_eq!(next(25 * 1536 * kib, 25), FEWEST);
        assert_eq!(next(300, 0), FEWEST);
        assert_eq!(next(0, usize::MAX), MOST);
    }

    async fn read_of(bytes: usize, objects: u32) -> Page {
        let service = tower::service_fn(move |_: http::Request<Body>| async move {
            let body = Body::from(vec![b' '; bytes]);
            Ok::<_, &'static str>(http::Response::new(body))
        });
        let request = http::Request::new(Vec::new());
        let page = read(&Client::new(service, "default"), request, objects).await;
        page.expect("it is answered")
    }

    #[tokio::test]
    async fn one_that_is_too_long_is_given_up_but_not_where_it_has_few_objects() {
        assert!(
            matches!(read_of(TOO_LONG, MOST).await, Page::Text(text) if text.len() == TOO_LONG)
        );
        assert!(matches!(read_of(TOO_LONG + 1, MOST).await, Page::TooLong));
        assert!(matches!(read_of(TOO_LONG + 1, FEWEST).await, Page::Text(_)));
    }
}
