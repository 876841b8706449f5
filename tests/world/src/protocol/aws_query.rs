//! awsQuery: a form in, XML out (Smithy, "AWS query protocol").

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::{Request, Response};
use crate::fault::{self, Answered};
use crate::refusal::Refusal;
use crate::simulation::Simulation;

/// A service that speaks awsQuery.
pub(crate) struct Service {
    /// Its name in the record of calls.
    pub(crate) name: &'static str,
    /// The namespace of its XML, which ends with its version.
    pub(crate) namespace: &'static str,
}

impl Service {
    /// Answers a request by `operate`, which gets the action and its parameters and returns the XML of the result element, and puts the call on
    /// record.
    pub(crate) fn answer(
        &self,
        simulation: &mut Simulation,
        &Request { caller, body, fault, .. }: &Request,
        operate: impl FnOnce(&mut Simulation, &str, &Parameters) -> Result<String, Refusal>,
    ) -> Response {
        let mut fields: BTreeMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        let action = fields.remove("Action").unwrap_or_default();
        fields.remove("Version");
        let parameters = Parameters(fields);
        let request_id = simulation.random_uuid();
        let Answered { result, status, outcome } = fault::answer(fault, || operate(simulation, &action, &parameters));
        simulation.record_call(caller, self.name, &action, json!(parameters.0), outcome);
        let body = match result {
            Ok(result) => self.success(&action, &result, &request_id),
            Err(refusal) => self.failure(status, refusal, &request_id),
        };
        Response { status, content_type: "text/xml", body }
    }

    /// What the service answers to an action that it does not have.
    pub(crate) fn unknown<T>(&self, action: &str) -> Result<T, Refusal> {
        let version = self.namespace.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        Err(Refusal::new("InvalidAction", format!("Could not find operation {action} for version {version}")))
    }

    fn success(&self, action: &str, result: &str, request_id: &str) -> String {
        format!(
            "<{action}Response xmlns=\"{}\">{result}<ResponseMetadata><RequestId>{request_id}</RequestId>\
             </ResponseMetadata></{action}Response>",
            self.namespace
        )
    }

    fn failure(&self, status: u16, refusal: Refusal, request_id: &str) -> String {
        let kind = if status < 500 { "Sender" } else { "Receiver" };
        let error = xml("Error", &ErrorXml { kind, code: refusal.code, message: refusal.message });
        format!(
            "<ErrorResponse xmlns=\"{}\">{error}<RequestId>{request_id}</RequestId></ErrorResponse>",
            self.namespace
        )
    }
}

/// A call's form fields; lists as `Name.member.1`.
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub(crate) fn list(&self, key: &str) -> Vec<&str> {
        (1..).map_while(|n| self.get(&format!("{key}.member.{n}"))).collect()
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Parameters {
    fn from(fields: [(&str, &str); N]) -> Self {
        Self(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }
}

/// The XML of an action's result element.
pub(crate) fn result_xml(action: &str, result: &impl Serialize) -> String {
    xml(&format!("{action}Result"), result)
}

fn xml(root: &str, value: &impl Serialize) -> String {
    quick_xml::se::to_string_with_root(root, value).expect("the answers' types have an XML form")
}

#[derive(Serialize)]
struct ErrorXml {
    #[serde(rename = "Type")]
    kind: &'static str,
    #[serde(rename = "Code")]
    code: Cow<'static, str>,
    #[serde(rename = "Message")]
    message: String,
}
