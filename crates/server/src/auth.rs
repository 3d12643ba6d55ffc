//! Who may do what: keys, sessions of the page, and where requests come from.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{Problem, Result};
use crate::state::App;

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Search and look.
    Read,
    /// Index and remove, too.
    Write,
}

/// A key, as a server knows it: by its hash.
///
/// Keys are 32 random bytes, so that a plain hash of one tells nothing that could be guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    access: Access,
    hash: blake3::Hash,
}

impl Key {
    /// What a new key may do, the key itself for a client, and its hash for the server. The key is not kept anywhere.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn generate(access: Access) -> std::io::Result<(String, Self)> {
        let key = format!("sk-{}", random_name().map_err(std::io::Error::other)?);
        let hash = blake3::hash(key.as_bytes());
        Ok((key, Self { access, hash }))
    }
}

/// `read:` or `write:` and the hash in hexadecimal digits.
impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let access = match self.access {
            Access::Read => "read",
            Access::Write => "write",
        };
        write!(f, "{access}:{}", self.hash)
    }
}

/// A text that is not the hash of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected read: or write: and the hash of a key, as `sensorium key` prints it")]
pub struct BadKey;

impl FromStr for Key {
    type Err = BadKey;

    fn from_str(text: &str) -> std::result::Result<Self, BadKey> {
        let (access, hash) = text.split_once(':').ok_or(BadKey)?;
        let access = match access {
            "read" => Access::Read,
            "write" => Access::Write,
            _ => return Err(BadKey),
        };
        let hash = blake3::Hash::from_hex(hash).map_err(|_| BadKey)?;
        Ok(Self { access, hash })
    }
}

/// 128 random bits as text.
pub(crate) fn random_name() -> std::result::Result<String, rand::rand_core::OsError> {
    let mut bytes = [0; 16];
    OsRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The cookie of a session.
const COOKIE: &str = "sensorium-session";

/// How long a session lasts.
const SESSION: Duration = Duration::from_secs(30 * 24 * 3600);

/// More sessions than this are not kept.
const MOST_SESSIONS: usize = 1000;

/// Who may do what.
pub(crate) struct Auth {
    keys: Vec<Key>,
    read_only: bool,
    /// The hashes of the tokens of sessions, with what they allow and until when.
    sessions: Mutex<HashMap<blake3::Hash, (Access, Instant)>>,
    /// Names by which the server is called, in lower case; empty when any is right.
    names: Vec<String>,
}

impl Auth {
    pub(crate) fn new(keys: Vec<Key>, read_only: bool, names: Vec<String>) -> Self {
        Self {
            keys,
            read_only,
            sessions: Mutex::default(),
            names,
        }
    }

    /// What `headers` allow; `None` when they need a key that they lack.
    fn access(&self, headers: &HeaderMap) -> Option<Access> {
        let access = match self.keys.is_empty() {
            true => Some(Access::Write),
            false => presented(headers)
                .and_then(|key| self.of_key(key))
                .or_else(|| self.of_session(headers)),
        };
        access.map(|access| match self.read_only {
            true => Access::Read,
            false => access,
        })
    }

    /// What `key` allows. Hashes are compared in constant time.
    fn of_key(&self, key: &str) -> Option<Access> {
        let hash = blake3::hash(key.as_bytes());
        let matching = self.keys.iter().filter(|known| known.hash == hash);
        matching.map(|key| key.access).max()
    }

    fn of_session(&self, headers: &HeaderMap) -> Option<Access> {
        let hash = blake3::hash(cookie(headers)?.as_bytes());
        let sessions = self.sessions.lock().ok()?;
        let (access, until) = sessions.get(&hash)?;
        (Instant::now() < *until).then_some(*access)
    }

    /// Begins a session with `key`, and returns the header that sets its cookie.
    pub(crate) fn begin_session(&self, key: &str) -> Result<String> {
        let wrong = || Problem::new(StatusCode::UNAUTHORIZED, "this key is not known here");
        let access = self.of_key(key).ok_or_else(wrong)?;
        let token = random_name().map_err(Problem::internal)?;
        let mut sessions = self.sessions.lock().map_err(Problem::internal)?;
        let now = Instant::now();
        sessions.retain(|_, (_, until)| now < *until);
        if sessions.len() >= MOST_SESSIONS {
            return Err(Problem::busy());
        }
        sessions.insert(blake3::hash(token.as_bytes()), (access, now + SESSION));
        Ok(format!(
            "{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}",
            SESSION.as_secs()
        ))
    }

    /// Ends the session of `headers`, and returns the header that takes its cookie away.
    pub(crate) fn end_session(&self, headers: &HeaderMap) -> Result<String> {
        if let Some(token) = cookie(headers) {
            let mut sessions = self.sessions.lock().map_err(Problem::internal)?;
            sessions.remove(&blake3::hash(token.as_bytes()));
        }
        Ok(format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"))
    }

    /// Refuses what a page of another origin sends: one that merely links here, or one whose name was made to lead here.
    fn check_origin(&self, request: &Request) -> Result<()> {
        let headers = request.headers();
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST).or_else(|| request.uri().authority().map(|host| host.as_str()));
        let name = host.map(|host| without_port(host).to_ascii_lowercase());
        if !self.names.is_empty() && !name.is_some_and(|name| self.names.contains(&name)) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "the server is not called by this name: start it with --name to allow another one",
            ));
        }
        if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        let foreign_site = text(header::HeaderName::from_static("sec-fetch-site"))
            .is_some_and(|site| !matches!(site, "same-origin" | "none"));
        let foreign_origin = text(header::ORIGIN).is_some_and(|origin| {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.is_none() || authority != host
        });
        match foreign_site || foreign_origin {
            true => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "pages of other origins may not change anything here",
            )),
            false => Ok(()),
        }
    }
}

/// The key that a client shows.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = bearer.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
}

/// `localhost` of `localhost:7700`, `[::1]` of `[::1]:7700`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Middleware: refuses requests of other origins.
pub(crate) async fn check_origin(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response> {
    app.auth.check_origin(&request)?;
    Ok(next.run(request).await)
}

/// Middleware: lets only those pass who may do what they ask for. Handlers find their [`Access`] in the request.
pub(crate) async fn check_access(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let access = app.auth.access(request.headers()).ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "a key is needed: send it as `Authorization: Bearer KEY`",
        )
    })?;
    request.extensions_mut().insert(access);
    Ok(next.run(request).await)
}

/// Middleware of what changes something.
pub(crate) async fn check_write(request: Request, next: Next) -> Result<Response> {
    match request.extensions().get::<Access>() {
        Some(Access::Write) => Ok(next.run(request).await),
        _ => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "nothing may be changed with this key, or on this server",
        )),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_key_allows_what_it_was_made_for_and_reads_back() {
        let (reader, read) = Key::generate(Access::Read).unwrap();
        let (writer, write) = Key::generate(Access::Write).unwrap();
        assert_eq!(read.to_string().parse(), Ok(read.clone()));
        assert!(!read.to_string().contains(&reader));
        let bearer = |key: &str| headers(&[("authorization", &format!("Bearer {key}"))]);
        let auth = Auth::new(vec![read.clone(), write.clone()], false, vec![]);
        assert_eq!(auth.access(&bearer(&reader)), Some(Access::Read));
        assert_eq!(auth.access(&bearer(&writer)), Some(Access::Write));
        assert_eq!(auth.access(&bearer("sk-no")), None);
        assert_eq!(auth.access(&HeaderMap::new()), None);
        let closed = Auth::new(vec![write], true, vec![]);
        assert_eq!(closed.access(&bearer(&writer)), Some(Access::Read));
        for bad in ["", "read", "read:", "read:00", "admin:00"] {
            assert_eq!(bad.parse::<Key>(), Err(BadKey));
        }
    }

    #[test]
    fn a_session_lasts_until_it_is_ended() {
        let (key, known) = Key::generate(Access::Write).unwrap();
        let auth = Auth::new(vec![known], false, vec![]);
        assert!(auth.begin_session("sk-no").is_err());
        let set = auth.begin_session(&key).unwrap();
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"));
        let shown = headers(&[("cookie", &format!("a=b; {}", set.split(';').next().unwrap()))]);
        assert_eq!(auth.access(&shown), Some(Access::Write));
        auth.end_session(&shown).unwrap();
        assert_eq!(auth.access(&shown), None);
    }

    #[test]
    fn other_origins_may_not_change_anything_and_other_names_nothing_at_all() {
        let auth = Auth::new(vec![], false, vec!["localhost".into(), "[::1]".into()]);
        let ask = |method: Method, pairs: &[(&'static str, &str)]| {
            let mut request = Request::new(Body::empty());
            *request.method_mut() = method;
            *request.headers_mut() = headers(pairs);
            auth.check_origin(&request).is_ok()
        };
        let here = ("host", "localhost:7700");
        assert!(ask(Method::GET, &[here]));
        assert!(ask(Method::GET, &[("host", "[::1]:7700")]));
        assert!(!ask(Method::GET, &[("host", "evil.example:7700")]));
        assert!(!ask(Method::GET, &[]));
        assert!(ask(Method::POST, &[here]), "a program sends no origin");
        assert!(ask(Method::POST, &[here, ("origin", "http://localhost:7700")]));
        assert!(!ask(Method::POST, &[here, ("origin", "http://evil.example")]));
        assert!(!ask(Method::POST, &[here, ("origin", "http://localhost:80")]));
        assert!(!ask(Method::POST, &[here, ("origin", "null")]));
        assert!(!ask(Method::POST, &[here, ("sec-fetch-site", "cross-site")]));
        assert!(ask(Method::POST, &[here, ("sec-fetch-site", "same-origin")]));
    }
}
