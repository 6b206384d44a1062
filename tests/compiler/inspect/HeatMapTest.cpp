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
