#include <ringio/base/intrusive_ptr.hpp>

#include <support/catch.hpp>

#include <type_traits>
#include <utility>

namespace counted {

struct Base {
    explicit Base(int& live_objects) : live(live_objects) { ++live; }
    Base(const Base&) = delete;
    Base& operator=(const Base&) = delete;
    virtual ~Base() { --live; }

    int& live;
    int references = 0;
};

struct Derived : Base {
    using Base::Base;
};

void intrusive_add_ref(Base* object) noexcept { ++object->references; }

void intrusive_release(Base* object) noexcept {
    if (--object->references == 0) {
        delete object;
    }
}

}  // namespace counted

namespace {

using counted::Base;
using counted::Derived;
using ringio::IntrusivePtr;

static_assert(sizeof(IntrusivePtr<Base>) == sizeof(void*));
static_assert(std::is_convertible_v<IntrusivePtr<Derived>, IntrusivePtr<Base>>);
static_assert(!std::is_convertible_v<IntrusivePtr<Base>, IntrusivePtr<Derived>>);
static_assert(!std::is_convertible_v<Base*, IntrusivePtr<Base>>);

}  // namespace

TEST_CASE("IntrusivePtr: the last owner disposes of the object") {
    int live = 0;
    IntrusivePtr<Base> first(new Base(live));
    CHECK(first->references == 1);
    IntrusivePtr<Base> second = first;
    CHECK(first->references == 2);
    CHECK(first == second);
    first.reset();
    CHECK(live == 1);
    CHECK(first == nullptr);
    CHECK_FALSE(first);
    second = nullptr;
    CHECK(live == 0);
}

TEST_CASE("IntrusivePtr: adopting and releasing count nothing") {
    int live = 0;
    Base* const object = new Base(live);
    object->references = 1;
    IntrusivePtr<Base> pointer(object, ringio::adopt);
    CHECK(object->references == 1);
    CHECK(pointer.release() == object);
    CHECK_FALSE(pointer);
    CHECK(object->references == 1);
    pointer.reset(object);
    CHECK(object->references == 2);
    intrusive_release(object);
    pointer.reset();
    CHECK(live == 0);
}

TEST_CASE("IntrusivePtr: moving, assigning and converting keep the count") {
    int live = 0;
    IntrusivePtr<Derived> derived(new Derived(live));
    IntrusivePtr<Base> copy = derived;
    CHECK(copy->references == 2);
    CHECK(copy == derived);
    CHECK(copy == derived.get());
    IntrusivePtr<Base> moved = std::move(derived);
    CHECK(derived == nullptr);
    CHECK(moved->references == 2);

    IntrusivePtr<Base>& same = moved;
    moved = same;
    moved = std::move(same);
    CHECK(moved->references == 2);
    CHECK(&*moved == copy.get());

    copy = IntrusivePtr<Derived>(new Derived(live));
    CHECK(live == 2);
    CHECK(copy != moved);
    copy.swap(moved);
    CHECK(copy->references == 1);
    moved.reset(copy.get());
    CHECK(live == 1);
    copy.reset();
    moved.reset();
    CHECK(live == 0);
}
