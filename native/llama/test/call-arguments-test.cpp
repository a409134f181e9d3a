#include "llama/template/call-arguments.h"

#include "json.h"
#include "test/check.h"

using sluice::arguments_object;

namespace {

struct Expected {
  const char* given;
  const char* object;
};

const std::string kWhole =
    R"({"city":"Zürich \"am\\See\" \ud83d\ude00","days":[1,-2.5e+3,{"a":[]}],)"
    R"("ok":true,"no":null,"x":{}})";

}  // namespace

TEST("call arguments: what is an object stays one, without its spaces") {
  CHECK_EQ(arguments_object(kWhole), kWhole);
  CHECK_EQ(arguments_object(" { \"a\" : [ 1 , 2 ] }\n"), R"({"a":[1,2]})");
}

TEST("call arguments: what is blank or null has none") {
  for (const char* none : {"", " \n\t", "null", " null ", "{}", "\"{}\"", "nul", "{"}) {
    CHECK_EQ(std::string(none) + arguments_object(none), std::string(none) + "{}");
  }
}

TEST("call arguments: what was cut is closed, and says what it said") {
  const Expected all[] = {
      {"{", "{}"},
      {R"({"a)", R"({"a":null})"},
      {R"({")", "{}"},
      {R"({"a")", R"({"a":null})"},
      {R"({"a":)", R"({"a":null})"},
      {R"({"a":")", R"({"a":""})"},
      {R"({"a":"Par)", R"({"a":"Par"})"},
      {R"({"a":"b\)", R"({"a":"b"})"},
      {R"({"a":"b\u00)", R"({"a":"b"})"},
      {R"({"a":"b\ud83d)", R"({"a":"b"})"},
      {R"({"a":"b\ud83d\ud)", R"({"a":"b"})"},
      {R"({"a":12)", R"({"a":12})"},
      {R"({"a":12.)", R"({"a":12})"},
      {R"({"a":-)", R"({"a":null})"},
      {R"({"a":1e)", R"({"a":1})"},
      {R"({"a":1.5e-)", R"({"a":1.5})"},
      {R"({"a":tr)", R"({"a":true})"},
      {R"({"a":[1,)", R"({"a":[1]})"},
      {R"({"a":[1,-)", R"({"a":[1,null]})"},
      {R"({"a":[{"b":[)", R"({"a":[{"b":[]}]})"},
      {R"({"a":1,)", R"({"a":1})"},
      {R"({"a":1,")", R"({"a":1})"},
      {R"({"a":1,"b)", R"({"a":1,"b":null})"},
  };
  for (const auto& [given, object] : all) {
    CHECK_EQ(std::string(given) + " -> " + arguments_object(given),
             std::string(given) + " -> " + object);
  }
}

TEST("call arguments: a cut anywhere leaves an object that begins like the whole one") {
  for (size_t length = 0; length <= kWhole.size(); ++length) {
    // Not within a character: text never is.
    if (length < kWhole.size() && (kWhole[length] & 0xc0) == 0x80) continue;
    const common_json object = common_json::parse(arguments_object(kWhole.substr(0, length)));
    CHECK(object.is_object());
    if (length < 12 || !object.contains("city")) continue;
    const std::string city =
        object.at("city").is_string() ? object.at("city").get<std::string>() : "";
    const std::string whole = common_json::parse(kWhole).at("city").get<std::string>();
    CHECK_EQ(city, whole.substr(0, city.size()));
  }
}

TEST("call arguments: what is no object is the value, or the text, by one name") {
  const Expected all[] = {
      {"[1, 2]", R"({"arguments":[1,2]})"},
      {"7", R"({"arguments":7})"},
      {"true", R"({"arguments":true})"},
      {"\"Paris\"", R"({"arguments":"Paris"})"},
      {"Paris", R"({"arguments":"Paris"})"},
      {"{'a': 1}", R"({"arguments":"{'a': 1}"})"},
      {R"({"a":1}})", R"({"arguments":"{\"a\":1}}"})"},
      {R"({"a":01})", R"({"arguments":"{\"a\":01}"})"},
      {R"({"a":1e400})", R"({"arguments":"{\"a\":1e400}"})"},
      {R"("{\"a\": \"b")", R"({"a":"b"})"},
      {R"("{\"a\": \"b\"}")", R"({"a":"b"})"},
  };
  for (const auto& [given, object] : all) {
    CHECK_EQ(std::string(given) + " -> " + arguments_object(given),
             std::string(given) + " -> " + object);
  }
}

TEST("call arguments: no value becomes another one on its way") {
  CHECK_EQ(arguments_object(R"({"id":9223372036854775807})"), R"({"id":9223372036854775807})");
  CHECK_EQ(arguments_object(R"({"id":9223372036854775808})"), R"({"id":"9223372036854775808"})");
  CHECK_EQ(arguments_object("{\"a\":\"b\nc\x01\"}"), "{\"a\":\"b\\nc\\u0001\"}");
  CHECK_EQ(arguments_object(R"({"a":"\ud83d"})"), R"({"a":"\ufffd"})");
  CHECK_EQ(arguments_object(R"({"a":"\ude00x"})"), R"({"a":"\ufffdx"})");
}

TEST("call arguments: what is deeper than templates may recurse is text") {
  const std::string deep = "{\"a\":" + std::string(100000, '[');
  const common_json object = common_json::parse(arguments_object(deep));
  CHECK_EQ(object.at("arguments").get<std::string>(), deep);
}

TEST("call arguments: values within are text for templates that print them as nothing") {
  CHECK_EQ(sluice::with_flat_values(R"({"a":{"b":1},"c":[1,"x"],"d":2,"e":"f"})"),
           R"({"a":"{\"b\":1}","c":"[1,\"x\"]","d":2,"e":"f"})");
}

TEST("call arguments: null is text for templates that print it as nothing") {
  CHECK_EQ(sluice::with_null_as_text(R"({"a":null,"b":[null,{"c":null}],"d":"null"})"),
           R"({"a":"null","b":["null",{"c":"null"}],"d":"null"})");
  CHECK(sluice::form_of(R"({"a":[null]})").has_null);
  CHECK(!sluice::form_of(R"({"a":"null"})").has_null);
}

TEST("call arguments: their form is known before they are printed") {
  CHECK(sluice::form_of(R"( {"a": 1} )").is_object);
  CHECK(!sluice::form_of(R"({"a":1})").is_nested);
  CHECK(sluice::form_of(R"({"a":{}})").is_nested);
  for (const char* other :
       {"", "[1]", R"({"a":1)", R"({"a":9223372036854775808})", "{\"a\":\"\n\"}"}) {
    CHECK(!sluice::form_of(other).is_object);
  }
}
