//! Which address does what.
//!
//! Invariant: `openapi.json` describes exactly this; a test compares them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Request, Response, StatusCode};
use axum::routing::{get, post};
use lepta_worker::job::Operation;

use super::exchange::exchange;
use super::fields;
use super::health::readiness;
use super::metrics::CONTENT_TYPE as METRICS_TYPE;
use super::refusal::Refusal;
use super::service::{Service, name_field};

/// The description of the interface, OpenAPI 3.1.
pub(crate) const OPENAPI: &str = include_str!("../../openapi.json");

/// Everything; `/metrics` only if it has no listener of its own.
pub(crate) fn router(service: Arc<Service>, with_metrics: bool) -> Router {
    let router = Router::new()
        .route("/v1/compress", post(compress))
        .route("/v1/decompress", post(decompress))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/openapi.json", get(openapi));
    let router = match with_metrics {
        true => router.route("/metrics", get(metrics)),
        false => router,
    };
    with_refusals(router).with_state(service)
}

/// `/metrics` and the health checks, for those who watch the service.
pub(crate) fn metrics_router(service: Arc<Service>) -> Router {
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics));
    with_refusals(router).with_state(service)
}

fn with_refusals(router: Router<Arc<Service>>) -> Router<Arc<Service>> {
    router
        .fallback(unknown_address)
        .method_not_allowed_fallback(unknown_method)
}

async fn compress(State(service): State<Arc<Service>>, request: Request<Body>) -> Response<Body> {
    exchange(service, Operation::Compress, request).await
}

async fn decompress(State(service): State<Arc<Service>>, request: Request<Body>) -> Response<Body> {
    exchange(service, Operation::Decompress, request).await
}

/// The process lives and answers.
async fn healthz() -> Response<Body> {
    typed("text/plain; charset=utf-8", "alive\n".to_owned())
}

async fn readyz(State(service): State<Arc<Service>>, request: Request<Body>) -> Response<Body> {
    match readiness(&service) {
        Ok(age) => typed(
            "application/json",
            format!(
                "{{\"ready\":true,\"self_test_seconds_ago\":{},\"shut_off\":{}}}\n",
                age.as_secs(),
                service.shut_off.is_on()
            ),
        ),
        Err(refusal) => {
            let refusal = refusal.answered_by(StatusCode::SERVICE_UNAVAILABLE);
            refused(&service, &request, refusal)
        }
    }
}

async fn metrics(State(service): State<Arc<Service>>) -> Response<Body> {
    typed(METRICS_TYPE, service.metrics.text())
}

async fn openapi() -> Response<Body> {
    typed("application/json", OPENAPI.to_owned())
}

async fn unknown_address(
    State(service): State<Arc<Service>>,
    request: Request<Body>,
) -> Response<Body> {
    let refusal = Refusal::usage("there is no such address").answered_by(StatusCode::NOT_FOUND);
    refused(&service, &request, refusal)
}

async fn unknown_method(
    State(service): State<Arc<Service>>,
    request: Request<Body>,
) -> Response<Body> {
    let refusal = Refusal::usage("the address does not know this method")
        .answered_by(StatusCode::METHOD_NOT_ALLOWED);
    refused(&service, &request, refusal)
}

fn refused(service: &Service, request: &Request<Body>, refusal: Refusal) -> Response<Body> {
    let name = service.names.of(request.headers());
    let mut response = refusal.into_response(&name);
    let headers = response.headers_mut();
    headers.insert(fields::REQUEST_ID, name_field(&name));
    response
}

fn typed(content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::reason::Reason;

    #[test]
    fn the_description_has_every_reason() {
        let description: serde_json::Value = serde_json::from_str(OPENAPI).expect("JSON");
        let described = &description["components"]["schemas"]["Reason"]["enum"];
        let names: Vec<&str> = Reason::all().map(Reason::name).collect();
        assert_eq!(*described, serde_json::json!(names));
    }
}
