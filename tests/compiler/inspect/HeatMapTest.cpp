#include "compiler/inspect/HeatMap.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace weft;
using testing::HasSubstr;
using testing::Not;

static std::string pageOf(llvm::StringRef title, llvm::ArrayRef<HeatMap> maps) {
  std::string page;
  llvm::raw_string_ostream stream(page);
  writeHeatMaps(title, maps, stream);
  return page;
}

TEST(HeatMap, HoldsItsDataAndNeedsNothingElse) {
  HeatMap map{"layer 0", {"head 0", "head 1"}, {"a"}, {"a", "b"}, {0, 1, 0.5f, NAN}};
  std::string page = pageOf("tales", {map});
  EXPECT_THAT(page, HasSubstr(R"("panels":["head 0","head 1"])"));
  EXPECT_THAT(page, HasSubstr(R"("keys":["a","b"])"));
  // 0, 65534, 32767 and 65535, two bytes each, the lower first.
  EXPECT_THAT(page, HasSubstr(R"("weights":"AAD+//9///8=")"));
  EXPECT_THAT(page, Not(HasSubstr("http")));
  EXPECT_THAT(page, Not(HasSubstr("/*DATA*/")));
}

TEST(HeatMap, WeightsOutsideAreTheNearerEnd) {
  EXPECT_THAT(pageOf("", {{"", {""}, {""}, {"", ""}, {-1, 2}}}), HasSubstr(R"("weights":"AAD+/w==")"));
}

TEST(HeatMap, LabelsCannotEndTheScript) {
  std::string page = pageOf("</script>", {{"<b>", {"\""}, {"\xff"}, {"</script>"}, {0}}});
  EXPECT_EQ(page.find("</script>"), page.rfind("</script>"));
  EXPECT_THAT(page, HasSubstr(R"("panels":["\""])"));
}

TEST(HeatMapSvg, CellsOfOneColourAreOnePath) {
  HeatMap map{"a < b", {"head 0"}, {"", ""}, {"", ""}, {1, 0, 1, NAN}};
  std::string picture;
  llvm::raw_string_ostream stream(picture);
  writeHeatMapsSvg({map}, stream);
  EXPECT_THAT(picture, HasSubstr("a &lt; b"));
  EXPECT_THAT(picture, HasSubstr(R"(<path fill="#fcffa4" d="M0 0h1v1h-1zM0 1h1v1h-1z"/>)"));
  EXPECT_THAT(picture, HasSubstr(R"(<path fill="#c8c8c8" d="M1 1h1v1h-1z"/>)"));
  EXPECT_THAT(picture, Not(HasSubstr("M1 0"))); // a weight of 0 is the ground
}
