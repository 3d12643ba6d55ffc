//! From a socket to a handler and back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use sensorium_model::Package;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_swagger_ui::SwaggerUi;

use crate::auth::{check_access, check_origin};
use crate::metrics::Route;
use crate::problem::Problem;
use crate::state::App;
use crate::{Error, Result, Settings, api, mcp, page};

/// Connections at a time; others wait to be accepted.
const MOST_CONNECTIONS: usize = 1024;

/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long running requests may take after the server was told to end.
const LAST_TIME: Duration = Duration::from_secs(10);

/// What may be sent with every answer.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// A server that listens.
pub struct Server {
    listener: std::net::TcpListener,
    address: SocketAddr,
    router: Router,
}

impl Server {
    /// Opens the index and listens.
    ///
    /// # Errors
    /// [`Error::NeedsKeys`] for an address that other machines reach when there are no keys; when the index or the address
    /// cannot be used.
    pub fn new(settings: &Settings, package: &Arc<Package>) -> Result<Self> {
        let address = SocketAddr::new(settings.host, settings.port);
        if !settings.host.is_loopback() && settings.keys.is_empty() {
            return Err(Error::NeedsKeys(address));
        }
        let listen = |source| Error::Listen { address, source };
        let listener = std::net::TcpListener::bind(address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let app = Arc::new(App::new(settings, package)?);
        Ok(Self {
            listener,
            address,
            router: router(app, settings.time),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until the process is told to end; then those that run are answered.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(serve(self.listener, self.router));
        // Threads that decode or index do not hold up the end: what was committed stays.
        runtime.shutdown_background();
        served
    }
}

async fn serve(listener: std::net::TcpListener, router: Router) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let connections = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut ends = std::pin::pin!(told_to_end());
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &connections) => accepted,
            () = &mut ends => break,
        };
        let Some((stream, permit)) = accepted else {
            continue;
        };
        let mut builder = Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
        let service = TowerToHyperService::new(router.clone());
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = watched.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    drop(listener);
    tracing::info!("answering the last requests");
    if tokio::time::timeout(LAST_TIME, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests were not answered in time");
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are small and wait for nothing.
            let _ = stream.set_nodelay(true);
            Some((stream, permit))
        }
        Err(error) => {
            // Too many open files, for one, which passes.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// Ends when the process is told to end.
async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => drop(interrupted.await),
    }
}

fn router(app: Arc<App>, time: Duration) -> Router {
    let (api, document) = api::router(&app);
    let guarded = Router::new()
        .route("/metrics", get(metrics))
        .route_service("/mcp", mcp::service(&app))
        .layer(from_fn_with_state(Arc::clone(&app), check_access));
    let docs: Router<Arc<App>> = SwaggerUi::new("/api/docs")
        .url("/api/v1/openapi.json", document)
        .into();
    let compressed = DefaultPredicate::new()
        .and(NotForContentType::const_new("audio/"))
        .and(NotForContentType::const_new("video/"))
        .and(NotForContentType::const_new("application/octet-stream"));
    let mut router = api
        .merge(guarded)
        .merge(docs)
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .fallback(page::page)
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this cannot be done here")
        })
        .layer(from_fn_with_state(Arc::clone(&app), check_origin))
        .layer(CompressionLayer::new().compress_when(compressed))
        .layer(from_fn(move |request, next| in_time(time, request, next)))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::internal("a handler panicked").into_response()
        }))
        .layer(from_fn_with_state(Arc::clone(&app), measured))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid));
    for (name, value) in HEADERS {
        router = router.layer(SetResponseHeaderLayer::if_not_present(
            name,
            HeaderValue::from_static(value),
        ));
    }
    router.with_state(app)
}

/// Middleware: no answer takes longer to begin than `time`.
async fn in_time(time: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::busy().into_response(),
    }
}

/// Middleware: counts and logs what was answered.
async fn measured(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().to_string();
    // Of what has no route, all together.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "page".to_owned());
    let id = request.extensions().get::<RequestId>().cloned();
    let response = next.run(request).await;
    let (status, time) = (response.status().as_u16(), started.elapsed());
    let id = id.and_then(|id| id.into_header_value().to_str().map(str::to_owned).ok());
    tracing::info!(%method, %route, status, ms = time.as_millis(), id, "answered");
    app.metrics.answered(
        Route {
            method,
            route,
            status,
        },
        time,
    );
    response
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.text()).into_response()
}

/// Ready when the index can be read.
async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.readers.read(|catalog| Ok(catalog.sequence()?)).await {
        Ok(sequence) => Json(serde_json::json!({"status": "ready", "sequence": sequence})).into_response(),
        Err(_) => Problem::busy().into_response(),
    }
}
