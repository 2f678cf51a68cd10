// expect: ringio: the future's value cannot be made of these arguments
#include <ringio/tasks/task_group.hpp>

void say(ringio::TaskStatus<int>& status) { status.started("text"); }
