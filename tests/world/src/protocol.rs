//! The protocols of the services: how a call is read from a request, and how its answer becomes a response.

pub(crate) mod aws_json;
pub(crate) mod aws_query;

use crate::fault::InjectedFault;

/// A signed request to a service.
pub(crate) struct Request<'a> {
    /// The access key id of the signature.
    pub(crate) caller: &'a str,
    /// The header `X-Amz-Target`; empty when there is none.
    pub(crate) target: &'a str,
    pub(crate) body: &'a [u8],
    pub(crate) fault: Option<&'a InjectedFault>,
}

/// What the service sends back.
pub(crate) struct Response {
    /// The HTTP status.
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}
