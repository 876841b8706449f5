//! Calls of the engine's services, in AWS JSON.

use account::REGION;
use account::calls::error_code;
use serde_json::Value;

use crate::Error;

/// A service of the engine.
#[derive(Clone)]
pub(crate) struct Api {
    client: reqwest::Client,
    engine: String,
    service: Service,
}

/// The names of a service in a call.
#[derive(Clone, Copy)]
pub(crate) struct Service {
    /// The name in a signature.
    signing_name: &'static str,
    /// The name before the operation in `X-Amz-Target`.
    target: &'static str,
}

pub(crate) const STEP_FUNCTIONS: Service = Service { signing_name: "states", target: "AWSStepFunctions" };
pub(crate) const DYNAMODB: Service = Service { signing_name: "dynamodb", target: "DynamoDB_20120810" };

impl Api {
    /// `engine` is the engine's URL.
    pub(crate) fn new(client: reqwest::Client, engine: String, service: Service) -> Self {
        Self { client, engine, service }
    }

    /// Calls an operation on behalf of the stack itself.
    pub(crate) async fn call(&self, operation: &'static str, request: Value) -> Result<Value, Error> {
        let Service { signing_name, target } = self.service;
        // moto takes service and region from a signature; it checks none.
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=stack/20260101/{REGION}/{signing_name}/aws4_request, \
             SignedHeaders=host, Signature=0"
        );
        let answer = self
            .client
            .post(&self.engine)
            .header("x-amz-target", format!("{target}.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", authorization)
            .body(request.to_string())
            .send()
            .await?;
        let failed = !answer.status().is_success();
        let body: Value = answer.json().await?;
        if failed {
            let message = body["message"].as_str().or(body["Message"].as_str()).unwrap_or_default();
            return Err(Error::Service {
                operation,
                code: error_code(&body).unwrap_or_default().to_owned(),
                message: message.to_owned(),
            });
        }
        Ok(body)
    }
}
