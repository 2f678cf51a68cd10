// expect: is default-constructed before it is
#include <ringio.hpp>

#include <string>

struct Job {
    explicit Job(std::string given) : name(std::move(given)) {}
    template <class Archive>
    void serialize(Archive& archive) {
        archive(name);
    }
    std::string name;
};

Job read(ringio::concurrent::ArchiveIn& in) { return in.read<Job>(); }
