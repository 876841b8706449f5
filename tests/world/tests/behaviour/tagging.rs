//! The Resource Groups Tagging API on its wire: what it writes, what it reads, and what it refuses.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_resourcegroupstagging::types::{FailureInfo, TagFilter};
use axum::body::Body;
use http::Request;
use serde_json::json;
use tower::ServiceExt;
use world::{Effect, Faults, GateMove, InjectedFault, Service};

use crate::stage::{Refused, Stage, arn, gated, refused, setting, with};

type Tags = BTreeMap<String, String>;

/// What the service tells of a resource that it has not changed: status, code and message.
type Failed = BTreeMap<String, (i32, String, String)>;

/// A stage with two instances in service.
async fn two() -> (Stage, Vec<String>) {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(2))).await;
    let ids = stage.world.report().instances.into_iter().map(|instance| instance.instance_id).collect();
    (stage, ids)
}

async fn tag(stage: &Stage, arns: &[String], tags: &[(&str, &str)]) -> Result<Failed, Refused> {
    let mut call = stage.tagging.tag_resources().set_resource_arn_list(Some(arns.to_vec()));
    for (key, value) in tags {
        call = call.tags(*key, *value);
    }
    match call.send().await {
        Ok(answer) => Ok(failed(answer.failed_resources_map)),
        failed => Err(refused(failed)),
    }
}

fn failed(map: Option<HashMap<String, FailureInfo>>) -> Failed {
    let info = |info: FailureInfo| {
        let code = info.error_code.expect("a code").as_str().to_owned();
        (info.status_code, code, info.error_message.expect("a message"))
    };
    map.unwrap_or_default().into_iter().map(|(arn, one)| (arn, info(one))).collect()
}

/// The tags of every resource that `GetResources` answers, by ARN.
async fn read(stage: &Stage) -> BTreeMap<String, Tags> {
    let answer = stage.tagging.get_resources().send().await.expect("an answer");
    let resources = answer.resource_tag_mapping_list().iter().map(|resource| {
        let tags = resource.tags().iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
        (resource.resource_arn().expect("an ARN").to_owned(), tags)
    });
    resources.collect()
}

fn tags_of(stage: &Stage, instance: &str) -> Tags {
    stage.instance(instance).tags
}

#[tokio::test]
async fn tags_are_written_over_and_deleted() {
    let (stage, ids) = two().await;
    let arns: Vec<String> = ids.iter().map(|id| arn(id)).collect();
    for value in ["A/Staging", "open"] {
        assert_eq!(tag(&stage, &arns, &[("turnstile", value), ("note", "")]).await, Ok(Failed::new()));
        for id in &ids {
            assert_eq!(tags_of(&stage, id)["turnstile"], value);
        }
    }
    let call = stage.tagging.untag_resources().resource_arn_list(&arns[0]).tag_keys("turnstile").tag_keys("none");
    assert_eq!(failed(call.send().await.unwrap().failed_resources_map), Failed::new());
    let [first, second] = [tags_of(&stage, &ids[0]), tags_of(&stage, &ids[1])];
    assert_eq!(first.keys().collect::<Vec<_>>(), ["aws:autoscaling:groupName", "note", "role"]);
    assert_eq!((first["note"].as_str(), second["turnstile"].as_str()), ("", "open"));
    assert_eq!(read(&stage).await, BTreeMap::from([(arns[0].clone(), first), (arns[1].clone(), second)]));
}

#[tokio::test]
async fn what_is_wrong_with_one_resource_is_told_of_it_and_the_others_are_written() {
    let (stage, ids) = two().await;
    let instance = ids[0].clone();
    let foreign = arn(&instance).replace("123456789012", "210987654321");
    let bucket = "arn:aws:s3:::builds".to_owned();
    let missing = arn("i-0000000000000000f");
    let arns = [foreign.clone(), missing.clone(), arn(&instance), bucket.clone()];
    let told = tag(&stage, &arns, &[("turnstile", "open")]).await.unwrap();
    let codes: Vec<_> = told.iter().map(|(arn, (status, code, _))| (arn.as_str(), *status, code.as_str())).collect();
    let mut expected = [
        (foreign.as_str(), 400, "InvalidParameterException"),
        (bucket.as_str(), 400, "InvalidParameterException"),
        (missing.as_str(), 400, "InvalidInstanceID.NotFound"),
    ];
    expected.sort_unstable();
    assert_eq!(codes, expected);
    assert_eq!(told[&missing].2, "The instance ID 'i-0000000000000000f' does not exist");
    assert_eq!(tags_of(&stage, &instance)["turnstile"], "open");
    let call = stage.world.report().calls.pop().unwrap();
    assert_eq!((call.service, call.operation.as_str(), call.outcome.as_str()), ("tagging", "TagResources", "ok"));
    let gate = GateMove { instance_id: instance, from: None, to: Some("open".to_owned()) };
    assert_eq!(call.effect, Some(Effect::GatesMoved { gates: vec![gate] }));
}

#[tokio::test]
async fn a_call_that_moves_no_gate_has_no_effect_on_gates() {
    let (stage, ids) = two().await;
    stage.gate(&ids[0], "open").await;
    for tags in [("turnstile", "open"), ("role", "api")] {
        tag(&stage, &[arn(&ids[0])], &[tags]).await.unwrap();
        assert_eq!(stage.world.report().calls.last().unwrap().effect, None, "{tags:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_call_refuses_it() {
    let (stage, ids) = two().await;
    let own = arn(&ids[0]);
    let long = |length: usize| "x".repeat(length);
    let many: Vec<String> = (0..21).map(|n| arn(&format!("i-{n}"))).collect();
    for (arns, key, value, message) in [
        (vec![], "a", String::new(), "ResourceARNList must not be empty"),
        (many, "a", String::new(), "ResourceARNList has at most 20 members"),
        (vec![own.clone(), "i-1".to_owned()], "a", String::new(), "i-1 is not a valid AmazonResourceName (ARN)"),
        (vec![own.clone()], "", String::new(), "A tag key has 1 to 128 characters"),
        (vec![own.clone()], "a", long(257), "A tag value has at most 256 characters"),
        (vec![own.clone()], "aws:a", String::new(), "Tag keys starting with aws: are reserved for internal use"),
    ] {
        let refusal = tag(&stage, &arns, &[(key, &value)]).await.expect_err(message);
        assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("InvalidParameterException", message));
    }
    assert_eq!(
        tag(&stage, std::slice::from_ref(&own), &[("a", &long(256)), (&long(128), "")]).await,
        Ok(Failed::new())
    );
    let none = stage.tagging.tag_resources().resource_arn_list(&own).set_tags(Some(Default::default()));
    assert_eq!(refused(none.send().await).message, "Tags must not be empty");
    let reserved = stage.tagging.untag_resources().resource_arn_list(&own).tag_keys("aws:autoscaling:groupName");
    assert_eq!(refused(reserved.send().await).code, "InvalidParameterException");
    let unknown = stage.tagging.get_tag_keys().send().await;
    assert_eq!(refused(unknown).code, "UnknownOperationException");
}

/// An instance has 50 tags besides AWS's own. The one that is there already is written over.
#[tokio::test]
async fn an_instance_has_at_most_fifty_tags() {
    let (stage, ids) = two().await;
    for n in 1..50 {
        stage.world.set_tag(&ids[0], &format!("key {n}"), Some("1")).unwrap();
    }
    let own = [arn(&ids[0])];
    let told = tag(&stage, &own, &[("one more", "1")]).await.unwrap();
    assert_eq!(told[&own[0]].1, "TagLimitExceeded");
    assert_eq!(stage.world.set_tag(&ids[0], "one more", Some("1")).unwrap_err().code, "TagLimitExceeded");
    assert_eq!(tag(&stage, &own, &[("key 1", "2")]).await, Ok(Failed::new()));
}

#[tokio::test]
async fn reads_go_by_arns_by_types_and_by_filters() {
    let (stage, ids) = two().await;
    stage.gate(&ids[0], "A/Staging").await;
    stage.gate(&ids[1], "open").await;
    let filter = |key: &str, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        TagFilter::builder().key(key).set_values(Some(values)).build()
    };
    let group = || filter("aws:autoscaling:groupName", &["web"]);
    let [first, second] = [arn(&ids[0]), arn(&ids[1])];
    let of = |filters: Vec<TagFilter>| stage.tagging.get_resources().set_tag_filters(Some(filters));
    let arns = |list: &[&str]| {
        let list = list.iter().map(|arn| (*arn).to_owned()).collect();
        stage.tagging.get_resources().set_resource_arn_list(Some(list))
    };
    let types = |one: &str| stage.tagging.get_resources().resource_type_filters(one);
    for (call, expected) in [
        (of(vec![group()]), vec![&first, &second]),
        (of(vec![group(), filter("turnstile", &["open", "pooled"])]), vec![&second]),
        (of(vec![group(), filter("turnstile", &["A/Staging", "open"])]), vec![&first, &second]),
        (of(vec![filter("turnstile", &[]), filter("role", &["api"])]), vec![]),
        (of(vec![filter("turnstile", &[])]), vec![&first, &second]),
        (arns(&[&second, &arn("i-none")]), vec![&second]),
        (types("ec2:instance"), vec![&first, &second]),
        (types("ec2"), vec![&first, &second]),
        (types("s3"), vec![]),
    ] {
        let answer = call.send().await.unwrap();
        let found: Vec<_> = answer.resource_tag_mapping_list().iter().map(|one| one.resource_arn().unwrap()).collect();
        assert_eq!((found, answer.pagination_token()), (expected.into_iter().map(String::as_str).collect(), Some("")));
    }
    for (call, message) in [
        (
            arns(&[&first]).resources_per_page(1),
            "ResourceARNList cannot be given together with the pagination parameters",
        ),
        (arns(&[&first]).tag_filters(group()), "ResourceARNList cannot be given together with TagFilters"),
        (
            arns(&[&first]).resource_type_filters("ec2"),
            "ResourceARNList cannot be given together with ResourceTypeFilters",
        ),
        (stage.tagging.get_resources().resources_per_page(101), "ResourcesPerPage must be 1 to 100"),
        (stage.tagging.get_resources().tags_per_page(99), "TagsPerPage must be 100 to 500"),
        (of(vec![filter("", &[])]), "TagFilters must have a Key"),
        (of(vec![filter("a", &["x"; 21])]), "TagFilters have at most 20 Values each"),
    ] {
        let refusal = refused(call.send().await);
        assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("InvalidParameterException", message));
    }
}

/// Each instance has two tags, `role` and AWS's own: fifty of them make a hundred tags.
#[tokio::test]
async fn long_answers_come_in_pages() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(120))).await;
    for (resources, tags, expected) in [
        (None, None, vec![50, 50, 20]),
        (Some(100), None, vec![100, 20]),
        (Some(60), None, vec![60, 60]),
        (None, Some(100), vec![50, 50, 20]),
        (None, Some(199), vec![99, 21]),
    ] {
        let (mut pages, mut token, mut seen) = (Vec::new(), None, BTreeSet::new());
        loop {
            let call = stage.tagging.get_resources().set_resources_per_page(resources).set_tags_per_page(tags);
            let answer = call.set_pagination_token(token).send().await.unwrap();
            let arns = answer.resource_tag_mapping_list().iter().map(|one| one.resource_arn().unwrap().to_owned());
            pages.push(answer.resource_tag_mapping_list().len());
            seen.extend(arns);
            token = answer.pagination_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        assert_eq!((pages, seen.len()), (expected, 120), "{resources:?} {tags:?}");
    }
    let expired = stage.tagging.get_resources().pagination_token("old").send().await;
    assert_eq!(refused(expired).code, "PaginationTokenExpiredException");
}

#[tokio::test]
async fn reads_trail() {
    let stage = Stage::new(with(setting(), "/tagReadLagSeconds", json!(10))).await;
    stage.world.advance(1.0);
    let instance = stage.world.launch("web").unwrap();
    stage.world.advance(9.0);
    assert_eq!(read(&stage).await.len(), 0);
    stage.world.advance(1.0);
    assert_eq!(read(&stage).await.len(), 1);
    stage.gate(&instance, "open").await;
    for (seconds, gate) in [(9.0, None), (1.0, Some("open"))] {
        stage.world.advance(seconds);
        let answered = read(&stage).await.remove(&arn(&instance)).unwrap();
        assert_eq!(answered.get("turnstile").map(String::as_str), gate);
        assert_eq!(tags_of(&stage, &instance)["turnstile"], "open");
    }
}

#[tokio::test]
async fn calls_beyond_the_rate_are_throttled() {
    let rate = json!({"callsPerSecond": 1, "burst": 2});
    let stage = Stage::new(with(setting(), "/throttling", json!({"tagging": rate}))).await;
    let call = || stage.tagging.get_resources().send();
    assert!(call().await.is_ok() && call().await.is_ok());
    assert_eq!(refused(call().await).code, "ThrottledException");
    stage.world.advance(1.0);
    assert!(call().await.is_ok());
}

/// The first resource fails, and the answer is a success all the same.
#[tokio::test]
async fn a_fault_makes_the_first_resource_fail() {
    let (stage, ids) = two().await;
    let fault = serde_json::from_value(json!({
        "service": "tagging", "operation": "TagResources", "kind": "failedResource", "code": "RequestLimitExceeded", "status": 503,
    }));
    let faults = Faults::new(vec![fault.unwrap()], 0);
    let fault = faults.next(Service::Tagging, "TagResources").unwrap();
    assert_eq!(fault, InjectedFault::FailedResource { status: 503, code: "RequestLimitExceeded".to_owned() });
    let input = json!({"ResourceARNList": [arn(&ids[0]), arn(&ids[1])], "Tags": {"turnstile": "open"}});
    let request = Request::post("/")
        .header("x-amz-target", "ResourceGroupsTaggingAPI_20170126.TagResources")
        .extension(fault)
        .body(Body::from(input.to_string()))
        .unwrap();
    let answer = stage.world.router().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(stage.world.report().calls.last().unwrap().outcome, "RequestLimitExceeded");
    let gates = ids.iter().map(|id| tags_of(&stage, id).get("turnstile").cloned()).collect::<Vec<_>>();
    assert_eq!(gates, [None, Some("open".to_owned())]);
}

#[tokio::test]
async fn tags_are_gone_with_the_instance() {
    let (stage, ids) = two().await;
    stage.gate(&ids[0], "open").await;
    stage.world.terminate(&ids[0]).unwrap();
    assert_eq!(tags_of(&stage, &ids[0])["turnstile"], "open", "it is only terminating");
    stage.world.advance(30.0);
    assert_eq!(tags_of(&stage, &ids[0]), Tags::new());
    assert!(!read(&stage).await.contains_key(&arn(&ids[0])));
    let told = tag(&stage, &[arn(&ids[0])], &[("turnstile", "open")]).await.unwrap();
    assert_eq!(told[&arn(&ids[0])].1, "InvalidInstanceID.NotFound");
    let refusal = stage.world.set_tag(&ids[0], "turnstile", None).unwrap_err();
    assert_eq!(refusal.code, "InvalidInstanceID.NotFound");
}

/// A detached instance keeps its tags but the group's, and so does one whose root volume is replaced.
#[tokio::test]
async fn tags_outlive_a_detachment_and_a_disk() {
    let (stage, ids) = two().await;
    for id in &ids {
        stage.gate(id, "open").await;
    }
    stage.world.detach(&ids[0]).unwrap();
    stage.world.replace_root_volume(&ids[1]).unwrap();
    stage.world.advance(100.0);
    let kept = |id: &str| tags_of(&stage, id).into_keys().collect::<Vec<_>>();
    assert_eq!(kept(&ids[0]), ["role", "turnstile"]);
    assert_eq!(kept(&ids[1]), ["aws:autoscaling:groupName", "role", "turnstile"]);
    stage.gate(&ids[0], "failed").await;
}

/// A launched instance has the tags of its launch template and of its group, whose own count where both have one. Those that were there at the
/// start have tags of their own besides.
#[tokio::test]
async fn an_instance_is_launched_with_the_template_s_tags_and_the_group_s() {
    let mut setting = with(gated(), "/autoScalingGroups/0/desiredCapacity", json!(1));
    setting["autoScalingGroups"][0]["launchTemplateTags"] = json!({"role": "template", "turnstile": "shut"});
    let stage = Stage::new(setting).await;
    let there = stage.world.report().instances[0].tags.clone();
    let launched = stage.world.launch("web").unwrap();
    let launched = tags_of(&stage, &launched);
    assert_eq!((there["role"].as_str(), there["turnstile"].as_str()), ("web", "open"));
    assert_eq!((launched["role"].as_str(), launched["turnstile"].as_str()), ("web", "shut"));
    let groups = stage.autoscaling.describe_auto_scaling_groups().send().await.unwrap();
    let propagated: Vec<_> = groups.auto_scaling_groups()[0].tags().iter().map(|tag| tag.key().unwrap()).collect();
    assert_eq!(propagated, ["role"], "a template's tags are none of the group's");
}
