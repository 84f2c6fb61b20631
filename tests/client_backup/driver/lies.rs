//! Answers that are not those of the homeserver.

use http::{Request, Response};
use strongroom::homeserver::Homeserver;

/// What comes back for a request, in the place of the homeserver's answer.
pub(crate) type Lie = Box<dyn FnMut(&Request<Vec<u8>>, &mut Homeserver) -> Option<Lied>>;

/// An answer, or none.
pub(crate) enum Lied {
    Answer(Response<Vec<u8>>),
    Nothing,
    /// The host never says what became of it.
    Never,
    /// The homeserver's own answer comes an hour later, when others have been answered.
    Late,
}

pub(crate) fn response(status: u16, body: &str) -> Lied {
    let body = body.as_bytes().to_vec();
    Lied::Answer(Response::builder().status(status).body(body).unwrap())
}

/// A lie about requests whose method and path start like this, so many times.
pub(crate) fn lie_about(
    beginning: &'static str,
    mut times: usize,
    mut answer: impl FnMut() -> Lied + 'static,
) -> Option<Lie> {
    Some(Box::new(move |request, _| {
        let path = request.uri().path().trim_start_matches("/_matrix/client/v3");
        let is_it = format!("{} {path}", request.method()).starts_with(beginning);
        (is_it && times > 0).then(|| {
            times -= 1;
            answer()
        })
    }))
}
